"""search.png: a line for each trial of a search, through its settings to its score."""

import numpy as np

from bertline.training.pictures import figures

WIDE = 10  # a scale of rates whose largest is so many times the smallest is logarithmic


def write(path, trials, score):
    """Draws the picture; what hinders it is a warning.

    Args:
      path: of the .png file.
      trials: of bertline.training.choosing.search.Trial; those without a score are left out.
      score: its name.
    """
    scored = [trial for trial in trials if trial.mean is not None]
    axes = {name: [trial.values[name] for trial in scored] for name in scored[0].values}
    axes[score] = [trial.mean for trial in scored]
    texts = [str(value) for values in axes.values() for value in values if isinstance(value, str)]

    def make(shown):
        names = dict(zip(texts, shown))
        return _figure({name: [names.get(v, v) for v in values] for name, values in axes.items()}, scored)

    figures.save(path, lambda: figures.in_fonts_for(texts, make, "search.png", "search.tsv"))


def _figure(axes, trials):
    """A Figure with an axis for each setting and one for the score, the last."""
    from matplotlib import colormaps

    figure = figures.new_figure(max(5.0, 2.2 * len(axes)), 4.5)
    plot = figure.subplots()
    heights = {name: place(values) for name, values in axes.items()}
    lines, last = np.array(list(heights.values())).T, list(heights)[-1]
    goodness = 1.0 - heights[last] if trials[0].ending.lower_is_better else heights[last]
    best = int(np.argmax(goodness))
    for number, (line, good, trial) in enumerate(zip(lines, goodness, trials)):
        style = {"linewidth": 3.0, "zorder": 3} if number == best else {"linewidth": 1.2, "alpha": 0.8}
        dashed = "--" if trial.ending.stopped_at is not None else "-"
        plot.plot(
            range(len(axes)), line, dashed, color=colormaps["viridis"](0.95 * good), marker="o", markersize=3, **style
        )
    for at, (name, values) in enumerate(axes.items()):
        plot.axvline(at, color="0.6", linewidth=0.8, zorder=0)
        for text, height in _ticks(values, heights[name]):
            plot.annotate(text, (at, height), (4, 2), textcoords="offset points", fontsize=8)
    plot.set_xticks(range(len(axes)), list(axes), rotation=15, ha="right")
    plot.set_yticks([])
    plot.set_xlim(-0.2, len(axes) - 0.5)
    plot.set_ylim(-0.05, 1.1)
    plot.spines[["top", "right", "left", "bottom"]].set_visible(False)
    plot.set_title(f"{len(trials)} settings, the best by {last} is bold")
    return figure


def place(values):
    """Heights from 0 to 1 of values on an axis, a float array.

    Numbers by their size, by their logarithm where they are positive and lie far apart; others in the order in which
    they come. Values that are all alike are in the middle.
    """
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        numbers = np.array(values, float)
        if numbers.min() > 0 and numbers.max() >= WIDE * numbers.min():
            numbers = np.log(numbers)
    else:
        order = list(dict.fromkeys(values))
        numbers = np.array([order.index(value) for value in values], float)
    width = numbers.max() - numbers.min()
    return (numbers - numbers.min()) / width if width else np.full(len(numbers), 0.5)


def _ticks(values, heights):
    """(text, height) of the values that are written, the lowest and the highest of many."""
    found = {}
    for value, height in zip(values, heights.tolist()):
        found[height] = f"{value:.4g}" if isinstance(value, float) else str(value)
    shown = sorted(found) if len(found) <= 8 else [min(found), max(found)]
    return [(found[height], height) for height in shown]
