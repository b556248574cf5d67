"""Texts whose tokens are coloured by how much each of them speaks for an answer."""

import logging
import math

import numpy as np

from bertline.processors.answering.token_offsets import token_offsets
from bertline.processors.records.feature_spec import ids_of
from bertline.training.evaluation.attribution import token_shares
from bertline.training.reporting.page.parts import Markup, escape

LEVELS = 4  # of each colour, in the style
LEAST = 0.1  # of the largest share of a row: smaller ones have no colour
MOST_CHARACTERS = 1500  # of a text that is shown


class Colours:
    """Args:
    objective: with the weights that were evaluated.
    layout: the Layout of its rows.
    """

    def __init__(self, objective, layout):
        self._objective, self._layout = objective, layout

    def texts(self, examples, weights):
        """For each example a list of its texts as Markup, coloured where that is known.

        Args:
          examples: list of InputExample.
          weights: float [examples, num_labels], of the logits whose sum the tokens speak for.
        """
        found = self._shares(examples, weights) or [None] * len(examples)
        return [
            [_coloured(text, spans) for text, spans in self._spans(example, *pair)] if pair else plain(example)
            for example, pair in zip(examples, found)
        ]

    def _shares(self, examples, weights):
        """(row, its shares of `token_shares`) of each example; None where they are not known."""
        if not examples or self._layout.makes_parts:
            return None
        try:
            rows = [row for [row] in self._layout.features(examples)]
            shares = token_shares(self._objective, self._layout, rows, weights)
        except Exception as error:  # the page is worth having without them
            logging.warning("report.html: its texts have no colours: %s", error)
            return None
        return shares and list(zip(rows, shares))

    def _spans(self, example, row, shares):
        """(text, list of (start, end, share of the largest one)) of each text of an example."""
        tokenizer, texts = self._layout.tokenizer, texts_of(example)
        special = set(getattr(self._layout, "own", self._layout).frame.ids)
        runs = [run for axis, values in shares.items() for run in _runs(row[ids_of(axis)], values, special)]
        if len(runs) != len(texts):  # nothing stands between them, or nothing is left of one
            runs, texts = [[pair for run in runs for pair in run]], ["\n".join(texts)]
        largest = max((abs(value) for run in runs for _, value in run), default=0.0) or 1.0
        for text, run in zip(texts, runs):
            places = token_offsets(text, tokenizer.convert_ids_to_tokens([id for id, _ in run]), tokenizer)
            yield text, [(*map(int, place), value / largest) for place, (_, value) in zip(places, run)]


def texts_of(example):
    """The texts of an InputExample, one or two."""
    return [text for text in (example.text_a, example.text_b) if text is not None]


def _runs(ids, values, special):
    """Lists of (id, share) of the tokens between special ones."""
    runs, run = [], []
    for id, value in zip(np.asarray(ids).tolist(), values):
        if id in special:
            runs, run = ([*runs, run] if run else runs), []
        else:
            run.append((id, float(value)))
    return [*runs, run] if run else runs


def plain(example):
    """The texts of an example as Markup without colours."""
    return [_coloured(text, ()) for text in texts_of(example)]


def _coloured(text, spans):
    """Markup of a paragraph; spans: (start, end, share), in the order of the text."""
    parts, at, shown = [], 0, text[:MOST_CHARACTERS]
    for start, end, share in spans:
        start, end = max(at, start), min(end, len(shown))
        if abs(share) < LEAST or end <= start:
            continue
        kind = f"{'p' if share > 0 else 'n'}{min(LEVELS, math.ceil(abs(share) * LEVELS))}"
        parts += [escape(shown[at:start]), f'<b class="{kind}">{escape(shown[start:end])}</b>']
        at = end
    parts += [escape(shown[at:]), "…" if len(text) > len(shown) else ""]
    return Markup(f'<p class="text" dir="auto">{"".join(parts)}</p>')
