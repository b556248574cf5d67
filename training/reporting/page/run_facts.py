"""What a report tells of a run beside its scores: model, data, curves, settings, command."""

import dataclasses
import os

from bertline.training.reporting import metrics_table, model_card
from bertline.training.reporting.page import svg
from bertline.training.reporting.page.parts import Markup, escape, folded, more, section, side_by_side, table

MOST_LABELS = 300  # rows of a table
MOST_LINES = 6  # of a chart


@dataclasses.dataclass(frozen=True)
class RunFacts:
    """Attributes:
    name: of the folder. model: a line about encoder and objective.
    command: the command line. settings: list of (name, value), of all.
    step: that the weights are of.
    """

    name: str
    model: str
    command: str
    settings: list
    step: int

    @classmethod
    def of(cls, settings, objective, step):
        """Of the settings of a script and the objective that it made."""
        config = objective.encoder.config
        model = (
            f"{config.model_type}, {config.num_layers} layers of {config.width}; {objective.owner or objective.name}"
        )
        start = f"started from {settings.init_checkpoint}; " if settings.init_checkpoint else ""
        values = [(field.name, getattr(settings, field.name)) for field in dataclasses.fields(settings)]
        name = os.path.basename(os.path.abspath(settings.output_dir))
        return cls(name, f"{model}; {start}weights of step {step}", model_card.command(settings), values, step)


def heading(run):
    return Markup(f'<p class="where">{escape(run.name)} · {escape(run.model)}</p>')


def data(splits, label_counts):
    """The section about the rows.

    Args:
      splits: list of model_card.Split. label_counts: split -> (label -> number of rows).
    """
    rows = [(split.name, f"{split.rows:,}", _known(split.longest), _known(split.cut), split.source) for split in splits]
    shown = table(("split", "rows", "longest, tokens", "cut to it", "from"), rows)
    return section("Data", shown, _counts(label_counts))


def _known(value):
    return "–" if value is None else f"{value:,}"


def _counts(label_counts):
    """How often each label occurs in each split."""
    found = {split: counts for split, counts in label_counts.items() if counts}
    if not found:
        return Markup()
    totals = {split: sum(counts.values()) for split, counts in found.items()}
    names = list(dict.fromkeys(name for counts in found.values() for name in counts))
    rows = [
        (
            name,
            *(
                f"{counts.get(name, 0):,} ({counts.get(name, 0) / totals[split]:.1%})"
                for split, counts in found.items()
            ),
        )
        for name in names[:MOST_LABELS]
    ]
    shown = table(("label", *found), rows)
    if len(rows) > 15:
        shown = folded(f"{len(names):,} labels", Markup(f'<div class="high">{shown}</div>'))
    return Markup(shown + more(len(rows), len(names), "the most frequent ones."))


def curves(output_dir):
    """The section about how losses and scores moved, from metrics.csv."""
    _, rows = metrics_table.read(os.path.join(output_dir, metrics_table.NAME))
    evaluated = dict.fromkeys(name for row in rows for name in row if name.startswith("eval/"))
    # The original's files have the loss under two names.
    losses = [name for name in evaluated if name.endswith("loss")]
    losses = [name for name in losses if name != "eval/loss"] or losses
    scores = [name for name in evaluated if not name.endswith("loss")][:MOST_LINES]
    charts = {"loss": ["train/loss", *losses][:MOST_LINES], "scores": scores, "learning rate": ["train/learning_rate"]}
    shown = (svg.lines(title, {name: _line(rows, name) for name in names}, "step") for title, names in charts.items())
    return section("Learning curves", side_by_side(*shown)) if rows else Markup()


def _line(rows, name):
    there = [row for row in rows if name in row]
    return [row["step"] for row in there], [float(row[name]) for row in there]


def settings(run):
    """The section about the command and all settings."""
    rows = [(name, "" if value is None else value) for name, value in run.settings]
    every = folded("all settings", table(("setting", "value"), rows, "text"))
    return section("Command", Markup(f"<pre>{escape(run.command)}</pre>"), every)
