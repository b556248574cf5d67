"""Results as a table for people, a table and JSON for programs, and a picture."""

import dataclasses
import json
import os
import statistics

from bertline.common import table_lines
from bertline.settings.scripts.evaluate_vectors import NO_TRANSFORM
from bertline.training.evaluation import result_files
from bertline.training.pictures import figures
from bertline.vector_evaluation.tasks import ALL

SCALE = "from 0 to 1, correlations from -1, not times 100"
FILES = ("scores.tsv", "scores.json", "scores.png")
MEAN = "mean"


def columns(results):
    """(model, transform) -> heading, in order; only what differs between them is named."""
    keys = list(dict.fromkeys((result.model, result.transform) for result in results))
    models = list(dict.fromkeys(model for model, _ in keys))
    short = {model: os.path.basename(os.path.normpath(model)) for model in models}
    if len(set(short.values())) < len(models):
        short = {model: model for model in models}
    return {
        (model, transform): short[model]
        if transform == NO_TRANSFORM
        else f"{short[model]}, {os.path.basename(transform)}"
        for model, transform in keys
    }


def table(results):
    """str: a row per task and metric, a column per model and transform, a last row with the means over the tasks."""
    headings = columns(results)
    found = {(r.task, r.model, r.transform): r for r in results}
    rows = [["task", "metric", "rows", *headings.values()]]
    for task in dict.fromkeys(result.task for result in results):
        first = next(result for result in results if result.task == task)
        for number, metric in enumerate(first.scores):
            rows_said = f"all {first.rows}" if first.split == ALL else f"{first.rows} of {first.split}"
            said = ["", ""] if number else [task, rows_said]
            values = [f"{found[task, *key].scores[metric]:.4f}" for key in headings]
            rows.append([said[0], metric, said[1], *values])
    if len({result.task for result in results}) > 1:
        rows.append([MEAN, "first of each", "", *(f"{mean:.4f}" for mean in _means(results, headings))])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if at < 3 else cell.rjust(width) for at, (cell, width) in enumerate(zip(row, widths))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join([*lines, f"(scores {SCALE})"])


def write(output_dir, results, settings):
    """Writes FILES; `settings` is a dict of what was asked for.

    Raises:
      InputError: a file cannot be written.
    """
    rows = [("model", "transform", "task", "metric", "score", "split", "rows", "C", "chosen_on", "fitted_on")]
    for result in results:
        strength = "" if result.strength is None else json.dumps(result.strength)
        how = (result.split, str(result.rows), strength, result.chosen_on or "", result.fitted_on or "")
        for metric, score in result.scores.items():
            rows.append((result.model, result.transform, result.task, metric, repr(score), *how))
    names = [os.path.join(output_dir, name) for name in FILES]
    result_files.write_lines(names[0], map(table_lines.line, rows))
    rows = [dataclasses.asdict(result) for result in results]
    result_files.write_json(names[1], {"scale": SCALE, "settings": settings, "results": rows})
    _plot(names[2], results)


def _means(results, headings):
    """The mean of the first metric over the tasks, for each column."""
    return [
        statistics.fmean(next(iter(r.scores.values())) for r in results if (r.model, r.transform) == key)
        for key in headings
    ]


def _plot(path, results):
    """Bars: a group per task, its first metric, and the means; a colour per column of the table."""
    headings = columns(results)
    tasks = list(dict.fromkeys(result.task for result in results))
    values = {
        key: [next(iter(r.scores.values())) for r in results if (r.model, r.transform) == key] for key in headings
    }
    metrics = [next(iter(next(r for r in results if r.task == task).scores)) for task in tasks]
    names = [f"{task}\n{metric}" for task, metric in zip(tasks, metrics)]
    if len(tasks) > 1:
        names.append(MEAN)
        for key, mean in zip(headings, _means(results, headings)):
            values[key].append(mean)
    written = [*names, *headings.values()]  # one list, so that all of its characters get their fonts
    columns_of = list(values.values())

    def draw(shown):
        return _bars(shown[: len(names)], list(zip(shown[len(names) :], columns_of)))

    figures.save(path, lambda: figures.in_fonts_for(written, draw, os.path.basename(path), FILES[0]))


def _bars(names, series):
    """A Figure of groups of bars: names of the groups, and (heading, a value per group) of each colour."""
    width = 0.8 / len(series)
    figure = figures.new_figure(max(5.0, 2.0 + 0.55 * len(names) * len(series)), 4.5)
    axes = figure.subplots()
    for number, (heading, values) in enumerate(series):
        places = [at + (number - (len(series) - 1) / 2) * width for at in range(len(names))]
        bars = axes.bar(places, values, width * 0.92, label=heading)
        axes.bar_label(bars, [f"{value:.3f}" for value in values], padding=2, fontsize=8)
    axes.set_xticks(range(len(names)), names, parse_math=False)  # a name may hold a $
    axes.set_ylim(min(0.0, *(v - 0.1 for _, values in series for v in values)), 1.05)
    axes.set_ylabel("score")
    axes.spines[["top", "right"]].set_visible(False)
    legend = figure.legend(loc="outside upper center", ncols=3, frameon=False)
    for text in legend.get_texts():
        text.set_parse_math(False)
    return figure
