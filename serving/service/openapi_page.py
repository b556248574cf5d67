"""The OpenAPI description as a page that needs nothing from elsewhere."""

import html
import json

_STYLE = "body{font:16px/1.5 sans-serif;max-width:50em;margin:2em auto;padding:0 1em}pre{background:#f3f3f3;" \
    "padding:1em;overflow-x:auto}h2 code{font-size:1em}"  # fmt: skip


def page(description):
    """HTML of what FastAPI's `openapi()` gives."""
    parts = []
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            parts.append(f"<h2><code>{method.upper()} {html.escape(path)}</code></h2>")
            parts.append(f"<p>{html.escape(operation.get('summary', ''))}</p>")
            for kind, content in operation.get("requestBody", {}).get("content", {}).items():
                schema = html.escape(json.dumps(content["schema"], indent=1))
                parts.append(f"<p>Body, <code>{html.escape(kind)}</code>:</p><pre>{schema}</pre>")
    name = html.escape(description["info"]["title"])
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{name}: requests</title>'
        f"<style>{_STYLE}</style></head><body><h1>{name}</h1><p>What the service answers to. For programs: "
        '<a href="/openapi.json">openapi.json</a>. Errors are {"error": "one line"}.</p>'
        f"{''.join(parts)}</body></html>"
    )
