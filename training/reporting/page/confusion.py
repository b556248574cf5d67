"""Which class was taken for which: a table of few classes, a picture of many, and what happens most."""

import numpy as np

from bertline.training.reporting.page import svg
from bertline.training.reporting.page.parts import Markup, escape, folded, paragraph, side_by_side, table

MOST_IN_TABLE, MOST_IN_PICTURE = 12, 200  # classes
MOST_CELLS = 12_000  # of the picture: 5 MB are the most that a page may have
MOST_CHARACTERS = 60  # of the names above the columns of the table
SHOWN = 20


def confusion(names, golds, decided):
    """Markup; golds, decided: int [n], classes."""
    places, counts = np.unique(golds.astype(np.int64) * len(names) + decided, return_counts=True)
    cells = {divmod(int(place), len(names)): int(count) for place, count in zip(places, counts)}
    if len(names) <= MOST_IN_TABLE:
        return _table(names, cells)
    errors = sorted((-count, cell) for cell, count in cells.items() if cell[0] != cell[1])
    rows = [(names[label], names[found], f"{-count:,}") for count, (label, found) in errors[:SHOWN]]
    most = table(("label", "predicted", "rows"), rows, "text") if rows else paragraph("no row is wrong")
    return side_by_side(_picture(names, cells), most)


def _shares(cells):
    """Each cell as a share of its label's rows."""
    totals = {}
    for (label, _), count in cells.items():
        totals[label] = totals.get(label, 0) + count
    return {cell: count / totals[cell[0]] for cell, count in cells.items()}


def _table(names, cells):
    shares = _shares(cells)

    def cell(place):
        if place not in cells:
            return Markup("<td></td>")
        colour = "var(--for)" if place[0] == place[1] else "var(--against)"
        return Markup(f'<td style="background: rgb({colour} / {0.5 * shares[place]:.2f})">{cells[place]:,}</td>')

    heads = list(names)
    if sum(map(len, names)) > MOST_CHARACTERS:  # numbers, so that the table is no wider than the page
        heads = [str(i) for i in range(1, len(names) + 1)]
        names = [f"{i} {name}" for i, name in zip(heads, names)]
    rows = [(name, *(cell((i, j)) for j in range(len(names)))) for i, name in enumerate(names)]
    return Markup(
        table(("label \\ predicted", *heads), rows, "cells") + paragraph("Rows are labels, columns predictions.")
    )


def _picture(names, cells):
    if len(names) > MOST_IN_PICTURE or len(cells) > MOST_CELLS:
        return Markup()
    titles = {cell: f"{names[cell[0]]} as {names[cell[1]]}: {count:,}" for cell, count in cells.items()}
    title = "share of a label's rows (row) that is predicted as (column)"
    numbered = ", ".join(f"{i} {name}" for i, name in enumerate(names, 1))
    listed = folded("the labels by their numbers", Markup(f'<p class="where">{escape(numbered)}</p>'))
    return Markup(svg.heat(title, _shares(cells), names, titles) + listed)
