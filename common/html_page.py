"""The beginning and the end of an HTML page that needs nothing from elsewhere: light and dark, narrow and wide."""

_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>
:root {{ color-scheme: light dark; --quiet: #5b6470; --line: #d4d9df; --page: #fff; --error: #b3261e; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --quiet: #a3adb8; --line: #3c444d; --page: #15191d; --error: #ff9d94; }}
}}
* {{ box-sizing: border-box; }}
body {{ font: 1rem/1.6 system-ui, sans-serif; background: var(--page); max-width: 80rem; margin: 0 auto;
  padding: 1.5rem 1rem 4rem; }}
h1 {{ font-size: 1.5rem; margin: 0; line-height: 1.3; }}
p, ol {{ margin: .5rem 0; }}
article {{ border-top: 1px solid var(--line); padding: .75rem 0; }}
.where, small {{ font-size: .85rem; color: var(--quiet); overflow-wrap: anywhere; }}
.text {{ white-space: pre-wrap; overflow-wrap: anywhere; }}
mark {{ color: inherit; box-decoration-break: clone; }}
.error {{ color: var(--error); }}
{style}</style>
</head>
<body>
<h1>{title}</h1>"""

END = "</body>\n</html>"


def begin(title, style=""):
    """The page up to its heading.

    Args:
      title: plain text, of us, not of a file. style: further rules of CSS, a line each.
    """
    return _HEAD.format(title=title, style=style)
