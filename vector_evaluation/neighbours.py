"""Contexts of a word, models -> which contexts are near each other: a table, files, a picture."""

import os

import numpy as np

from bertline.common import table_lines
from bertline.errors import InputError
from bertline.serving.encoder import vector_options
from bertline.serving.encoder.word_states import WordStates
from bertline.training.evaluation import result_files
from bertline.training.pictures import figures, point_labels
from bertline.vector_evaluation.contexts import Neighbours, in_two_dimensions, share_by_chance
from bertline.vector_evaluation.evaluate import open_encoder

FILES = ("neighbours.tsv", "neighbours.png")
SAME = "the word has the same vector in each context"
SHOWN_CHARACTERS = 30  # on both sides of a word, in the table on the screen
IN_PICTURE = 12  # the same beside a point
MOST_LABELLED = 40  # points that a picture can write beside


def find_neighbours(run, occurrences):
    """list of Neighbours, one for each model.

    Args:
      run: EvaluationSettings. occurrences: list of Occurrence.

    Raises:
      InputError: a model that cannot be read, or vectors that are not finite.
    """
    sentences = list(dict.fromkeys(one.words for one in occurrences))
    place = {words: i for i, words in enumerate(sentences)}
    found = []
    for model in run.models:
        encoder = open_encoder(WordStates, model, run)
        layers = vector_options.parse_layers(run.layers)
        states = encoder.states(sentences, encoder.options("word", "mean", layers, run.layer_mix, False))
        vectors = np.stack([states[place[one.words]][one.first : one.after].mean(axis=0) for one in occurrences])
        if not np.isfinite(vectors).all():
            raise InputError(f"{model}: vectors that are not finite; with --dtype=float16 numbers may overflow")
        found.append(Neighbours.of(model, vectors))
    return found


def table(found, occurrences, count):
    """str: below each occurrence those that are nearest, with their cosines; then how often the sense is the same.

    Args:
      count: how many.
    """
    lines = []
    for one in found:
        lines.append(f"{one.model}")
        if not one.tells_apart:
            lines.append(f"  {SAME}")
            continue
        for i, occurrence in enumerate(occurrences):
            lines.append(f"  {occurrence.line:>5}         {_said(occurrence)}")
            for j in one.order[i, :count]:
                lines.append(f"         {one.cosines[i, j]:6.3f}  {occurrences[j].line:>5} {_said(occurrences[j])}")
    for one in found:
        share = one.right_senses(occurrences)
        if share is not None:
            chance = share_by_chance(occurrences)
            lines.append(
                f"{one.model}: the nearest context has the same sense for {share:.3f} (by chance {chance:.3f})"
            )
    return "\n".join(lines)


def _said(occurrence):
    shown = occurrence.shorten(SHOWN_CHARACTERS)
    return shown if occurrence.sense is None else f"{occurrence.sense}: {shown}"


def write(output_dir, found, occurrences, word):
    """Writes FILES: all neighbours of each occurrence in their order, and a picture of two principal components.

    Raises:
      InputError: a file cannot be written.
    """
    rows = [("model", "line", "rank", "cosine", "neighbour_line", "sense", "neighbour_sense", "context", "neighbour")]
    for one in found:
        for i, occurrence in enumerate(occurrences):
            for rank, j in enumerate(one.order[i], 1):
                other, cosine = occurrences[j], f"{one.cosines[i, j]:.6f}"
                senses = (occurrence.sense, other.sense)
                texts = (occurrence.marked, other.marked)
                rows.append((one.model, occurrence.line, rank, cosine, other.line, *senses, *texts))
    table_file, picture = (os.path.join(output_dir, name) for name in FILES)
    result_files.write_lines(table_file, map(table_lines.line, rows))
    senses = list(dict.fromkeys(one.sense for one in occurrences))
    labels = [f"{one.line} {one.shorten(IN_PICTURE)}" for one in occurrences]
    names = [os.path.basename(os.path.normpath(one.model)) for one in found]
    written = [*labels, *names, *(sense or word for sense in senses)]  # one list: all get their fonts

    def draw(shown):
        ends = np.cumsum([len(labels), len(names)])
        said = dict(zip(senses, shown[ends[1] :]))
        groups = [said[one.sense] for one in occurrences]
        return _figure(found, shown[: ends[0]], shown[ends[0] : ends[1]], groups)

    figures.save(picture, lambda: figures.in_fonts_for(written, draw, FILES[1], FILES[0]))


def _figure(found, labels, names, groups):
    """A Figure with a panel per model, a point per occurrence and a colour per sense."""
    figure = figures.new_figure(6.5 * len(found), 6.0)
    for axes, one, name in zip(figure.subplots(1, len(found), squeeze=False)[0], found, names):
        points = in_two_dimensions(one.vectors)
        for group in dict.fromkeys(groups):
            chosen = [i for i, other in enumerate(groups) if other == group]
            axes.scatter(*points[chosen].T, s=24.0, label=group, alpha=0.8)
        axes.set_title(name, parse_math=False)
        axes.set_xlabel("first principal component")
        axes.set_ylabel("second principal component")
        axes.margins(0.25, 0.1)
        if not one.tells_apart:
            axes.text(0.5, 0.6, SAME, ha="center", transform=axes.transAxes)
        elif len(labels) <= MOST_LABELLED:
            point_labels.add_labels(axes, points, labels)
        for text in axes.legend(frameon=False).get_texts():
            text.set_parse_math(False)
    return figure
