"""layer_weights.json and .png: how much each layer of a part counts, where a run has learned that."""

import logging
import os

from bertline.training.evaluation import result_files
from bertline.training.pictures import figures

NAMES = ("layer_weights.json", "layer_weights.png")


def write(output_dir, mixes):
    """Writes both files and a line of the log for each mix, where there are any.

    Args:
      mixes: list of bertline.modeling.encoder.LayerMix.
    """
    if not mixes:
        return
    for mix in mixes:
        shares = " ".join(f"{share:.3f}" for share in mix.shares)
        logging.info("layers of %s, %s: %s (embeddings first), gamma %.3f", mix.part, mix.at, shares, mix.gamma)
    entries = [
        {"part": mix.part, "at": mix.at, "shares": _floats(mix.shares), "scalars": _floats(mix.scalars)}
        | {"gamma": mix.gamma}
        for mix in mixes
    ]
    result_files.write_json(os.path.join(output_dir, NAMES[0]), {"mixes": entries})
    figures.save(os.path.join(output_dir, NAMES[1]), lambda: _figure(mixes))


def _floats(values):
    return [round(float(value), 6) for value in values]


def _figure(mixes):
    """A Figure with a panel of bars for each mix."""
    figure = figures.new_figure(max(4.0, 3.5 * len(mixes)), 3.5)
    highest = max(float(max(mix.shares)) for mix in mixes)
    for axes, mix in zip(figure.subplots(1, len(mixes), squeeze=False)[0], mixes):
        names = ["emb.", *map(str, range(1, len(mix.shares)))]
        bars = axes.bar(range(len(names)), mix.shares)
        axes.bar_label(bars, [f"{share:.2f}" for share in mix.shares], padding=2, fontsize=8)
        axes.axhline(1.0 / len(names), color="grey", linewidth=0.8, linestyle="--")  # where all count the same
        axes.set_xticks(range(len(names)), names)
        axes.set_ylim(0.0, 1.15 * highest)
        axes.set_xlabel("layer")
        axes.set_title(f"{mix.part}, {mix.at}: gamma {mix.gamma:.3f}", parse_math=False)
    return figure
