"""The OpenAPI description as a page that needs nothing from elsewhere."""

import html
import json

_STYLE = """
:root { color-scheme: light dark; --accent: #2563a8; --plane: #f5f7f9; --quiet: #5b6470; }
@media (prefers-color-scheme: dark) { :root { --accent: #7db3f0; --plane: #20262c; --quiet: #a3adb8; } }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 54rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h2 { font-size: 1.15rem; margin: 2.5rem 0 0; }
p, pre { margin: .5rem 0; }
a { color: var(--accent); }
pre { background: var(--plane); padding: .6rem; white-space: pre-wrap; overflow-wrap: anywhere; font-size: .875rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: .5rem 0; }
dt { font-weight: 600; }
dd { margin: 0; }
"""


def page(description):
    """HTML of what FastAPI's `openapi()` gives."""
    name = html.escape(description["info"]["title"])
    operations = [
        (method, path, operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]
    operations.sort(key=lambda one: one[0] != "post")  # those with a body first
    listed = "".join(_operation(*one) for one in operations)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{name}: requests</title><style>{_STYLE}</style></head><body><h1>{name}: requests</h1>"
        "<p>What the service answers to. Numbers in the answers are examples. A refusal is one line, "
        "<code>{&quot;error&quot;: ...}</code>; a service that was started with a token wants the header "
        '<code>Authorization: Bearer TOKEN</code>. For programs: <a href="openapi.json">openapi.json</a>. '
        f'<a href=".">Try it</a>.</p>{listed}</body></html>'
    )


def _operation(method, path, operation):
    """HTML of one way to ask."""
    parts = [f"<h2><code>{method.upper()} {html.escape(path)}</code></h2><p>{html.escape(operation['summary'])}</p>"]
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        answer = operation["responses"]["200"]["content"][kind]["example"]
        parts.append(_example(f"Body, {kind}", content["example"]))
        parts.append(_fields(content["schema"]))
        parts.append(_example("Answer", answer))
    return "".join(parts)


def _example(title, values):
    lines = ",\n ".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in values.items())
    return f"<p>{html.escape(title)}:</p><pre>{{{html.escape(lines)}}}</pre>"


def _fields(schema):
    """A list of the fields of a body: what each is for, and what it is where it is left out."""
    rows = []
    for name, field in schema["properties"].items():
        default = "" if field.get("default") is None else f" By default {json.dumps(field['default'])}."
        rows.append(f"<dt><code>{html.escape(name)}</code></dt><dd>{html.escape(field['description'] + default)}</dd>")
    return f"<dl>{''.join(rows)}</dl>"
