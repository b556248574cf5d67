"""Small charts as SVG, in the colours of the page: lines, points around a diagonal, a heat map."""

import math

import numpy as np

from bertline.training.reporting.page.parts import Markup, escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 420, 260, 52, 10, 24, 34
COLOURS = 4  # of the style
MOST_POINTS = 400  # of a line


def lines(title, series, x_title):
    """A chart of lines.

    Args:
      series: name -> (xs, ys), arrays of numbers; those that are not finite are left out. Long ones become means of
        stretches.
    """
    shown = {name: _shorten(*points) for name, points in series.items()}
    shown = {name: points for name, points in shown.items() if len(points[0])}
    if not shown:
        return Markup()
    every_x, every_y = (np.concatenate([points[i] for points in shown.values()]) for i in (0, 1))
    frame = _Frame((every_x.min(), every_x.max()), (every_y.min(), every_y.max()), title, x_title)
    for i, (xs, ys) in enumerate(shown.values()):
        colour, places = f"var(--c{i % COLOURS})", list(map(frame.place, xs, ys))
        way = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        frame.add(f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="1.8"/>')
        if len(places) <= 30:
            frame.add("".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>' for x, y in places))
    return Markup(frame.svg() + (_legend(shown) if len(shown) > 1 else ""))


def _legend(names):
    parts = (f'<span style="color: var(--c{i % COLOURS})">● {escape(name)}</span>' for i, name in enumerate(names))
    return f'<p class="where">{" ".join(parts)}</p>'


def _shorten(xs, ys):
    """float [n] each, without what is not finite; means of neighbours where there are many."""
    xs, ys = np.asarray(xs, float), np.asarray(ys, float)
    kept = np.isfinite(xs) & np.isfinite(ys)
    xs, ys = xs[kept], ys[kept]
    if len(xs) <= MOST_POINTS:
        return xs, ys
    return tuple(np.array([part.mean() for part in np.array_split(one, MOST_POINTS)]) for one in (xs, ys))


def points(title, xs, ys, radii, ends, x_title, y_title):
    """Points around the diagonal.

    Args:
      xs, ys, radii: arrays of numbers. ends: (least, largest) of both axes.
    """
    frame = _Frame(ends, ends, title, x_title, y_title)
    (x1, y1), (x2, y2) = (frame.place(end, end) for end in frame.ends[0])
    frame.add(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="axis" stroke-dasharray="4 3"/>')
    circles = (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"/>'
        for (x, y), radius in zip(map(frame.place, xs, ys), radii)
    )
    frame.add(f'<g fill="var(--c0)" fill-opacity=".6">{"".join(circles)}</g>')
    return frame.svg()


def heat(title, shares, names, titles):
    """A square for each cell that is not empty; the name of a cell shows when it is pointed at.

    Args:
      shares: dict (row, column) -> 0 to 1; the colour is of its root, so that small ones are seen.
      names: of the rows and the columns, numbered from 1.
      titles: dict (row, column) -> text.
    """
    count, size = len(names), 400 / max(1, len(names))
    parts = [f'<svg viewBox="0 0 440 440" role="img"><text class="title" x="30" y="14">{escape(title)}</text>']
    parts.append('<rect class="axis" x="30" y="24" width="400" height="400"/>')
    every = max(1, -(-count // 16))
    for i in range(0, count, every):
        middle = (i + 0.5) * size
        parts.append(f'<text x="26" y="{28 + middle:.1f}" text-anchor="end">{i + 1}</text>')
        parts.append(f'<text x="{30 + middle:.1f}" y="437" text-anchor="middle">{i + 1}</text>')
    for (row, column), share in shares.items():
        colour = "var(--c0)" if row == column else "var(--c1)"
        parts.append(
            f'<rect x="{30 + column * size:.1f}" y="{24 + row * size:.1f}" width="{size:.1f}" height="{size:.1f}" '
            f'fill="{colour}" fill-opacity="{share**0.5:.2f}"><title>{escape(titles[row, column])}</title>'
            "</rect>"
        )
    return Markup("".join([*parts, "</svg>"]))


class _Frame:
    """Axes with a few round numbers, and what stands between them.

    Args:
      xs, ys: (least, largest).
    """

    def __init__(self, xs, ys, title, x_title, y_title=""):
        self.ends = [_widen(*map(float, one)) for one in (xs, ys)]
        self._parts = [
            f'<text class="title" x="{LEFT}" y="14">{escape(title)}</text>',
            f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 4}" text-anchor="end">{escape(x_title)}</text>',
            f'<path class="axis" d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}"/>',
        ]
        if y_title:
            self.add(
                f'<text transform="translate(12 {HEIGHT - BOTTOM}) rotate(-90)" text-anchor="start">'
                f"{escape(y_title)}</text>"
            )
        for value in _ticks(*self.ends[0]):
            x, _ = self.place(value, self.ends[1][0])
            self.add(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 14}" text-anchor="middle">{value:g}</text>')
        for value in _ticks(*self.ends[1]):
            _, y = self.place(self.ends[0][0], value)
            self.add(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
            self.add(f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')

    def place(self, x, y):
        """Where a point stands in the picture."""
        (left, right), (low, high) = self.ends
        return (
            LEFT + (x - left) / (right - left) * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - (y - low) / (high - low) * (HEIGHT - TOP - BOTTOM),
        )

    def add(self, part):
        self._parts.append(part)

    def svg(self):
        return Markup(f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{"".join(self._parts)}</svg>')


def _widen(low, high):
    """The same, or some room around a single number."""
    return (low, high) if high > low else (low - abs(low) / 2 - 1e-6, high + abs(high) / 2 + 1e-6)


def _ticks(low, high):
    """About four round numbers between both."""
    step = 10.0 ** math.floor(math.log10((high - low) / 2.0))
    step *= next(factor for factor in (1, 2, 5, 10) if (high - low) / (step * factor) <= 5)
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 12) for i in range(first, math.floor(high / step + 1e-9) + 1)]
