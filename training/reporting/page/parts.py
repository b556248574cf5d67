"""Pieces of HTML: escaped text, tables, sections."""

import html
import math


class Markup(str):
    """HTML, which is not escaped again."""


def escape(value):
    """HTML of a value: text is text, whatever it holds."""
    return value if isinstance(value, Markup) else Markup(html.escape(str(value)))


def number(value, like=None):
    """A score or a share as people read it, with as many digits as another number; None: as many as fit its size."""
    digits = 4 if abs(value if like is None else like) < 10 else 2
    return f"{value:.{digits}f}" if math.isfinite(value) else "–"


def table(header, rows, kind=""):
    """A table whose first column is text; all others are numbers, at the right.

    Args:
      header, rows: of str, which are escaped, or of Markup.
      kind: a class of the style.
    """
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>\n" for row in rows)
    return Markup(f'<div class="wide"><table class="{kind}"><thead><tr>{head}</tr></thead>\n{body}</table></div>')


def _cell(value):
    return value if isinstance(value, Markup) and value.startswith("<td") else f"<td>{escape(value)}</td>"


def section(title, *parts):
    """A part of the page with a heading; nothing where all its parts are empty."""
    parts = [part for part in parts if part]
    return Markup("\n".join([f"<section><h2>{escape(title)}</h2>", *parts, "</section>"])) if parts else Markup()


def paragraph(text):
    return Markup(f"<p>{escape(text)}</p>")


def side_by_side(*parts):
    """Parts beside each other where there is room."""
    parts = [part for part in parts if part]
    return Markup('<div class="sides">' + "".join(f"<div>{part}</div>" for part in parts) + "</div>")


def folded(title, part):
    """A part that is seen when its title is clicked."""
    return Markup(f"<details><summary>{escape(title)}</summary>{part}</details>")


def more(shown, total, where):
    """What a cut list says."""
    return paragraph(f"{shown:,} of {total:,} are here; {where}") if total > shown else Markup()
