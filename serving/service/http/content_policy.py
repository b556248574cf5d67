"""What a browser may do with a page of the service: run the scripts that are in it, and ask this service."""

import base64
import hashlib
import re


def page_headers(page):
    """HTTP headers for a page, str, whose scripts and styles are all inside."""
    allowed = {
        name: " ".join(_hash(text) for text in re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)) or "'none'"
        for name, tag in (("script-src", "script"), ("style-src", "style"))
    }
    sources = "; ".join(f"{name} {hashes}" for name, hashes in allowed.items())
    return {
        "content-security-policy": f"default-src 'none'; {sources}; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-cache",
    }


def _hash(text):
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
