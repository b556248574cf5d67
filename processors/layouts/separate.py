"""The texts of an example apart."""

import dataclasses

from bertline import registry
from bertline.errors import InputError
from bertline.processors.base import InputExample
from bertline.processors.layouts.base import Layout

PAIR = ("a", "b")  # what the names of two texts' features begin with


@registry.register("layout", "separate")
class Separate(Layout):
    """The two texts of an example apart, each as the encoder reads a single one: `a_input_ids`, `b_input_ids`, ...

    Args:
      own: the encoder's own layout, for one text.
    """

    name = "separate"
    is_over_own = needs_pairs = stacks_texts = True

    def __init__(self, own):
        if any(axis != "tokens" for feature in own.spec.values() for axis in feature.named_axes):
            raise InputError(
                f"two texts apart: the layout {own.name} of this encoder has rows of parts, which are of single texts; "
                'leave the parts with a "prefix" out of the configuration'
            )
        self.own = own
        self.tokenizer, self.max_seq_length = own.tokenizer, own.max_seq_length
        self.spec = separate_spec(own.spec, PAIR)

    def fingerprint(self):
        return [self.name, *self.own.fingerprint()]

    def config_entries(self):
        return self.own.config_entries()

    def check(self, examples):
        for example in examples:
            if example.text_b is None:
                raise InputError(
                    f"{example.source or example.guid}: no second text; two texts are compared here, so each row needs "
                    "both"
                )

    def features(self, examples):
        """Yields [dict of int32 arrays] per InputExample. Raises InputError where one has a single text."""
        self.check(examples)
        alone = self.own.features([InputExample(e.guid, text) for e in examples for text in (e.text_a, e.text_b)])
        rows = (row for [row] in alone)
        for pair in zip(rows, rows):
            uncut_lengths = [row.pop("uncut_length") for row in pair if "uncut_length" in row]
            features = {f"{text}_{name}": array for text, row in zip(PAIR, pair) for name, array in row.items()}
            yield [{**features, "uncut_length": max(uncut_lengths)} if uncut_lengths else features]


def separate_spec(own_spec, texts):
    """The spec of several texts apart.

    Args:
      own_spec: name -> Feature of one text.
      texts: the texts' prefixes, as "a" and "b".
    """
    return {
        f"{text}_{name}": dataclasses.replace(feature, axes=tuple(_of_text(text, axis) for axis in feature.axes))
        for text in texts
        for name, feature in own_spec.items()
    }


def _of_text(text, axis):
    return f"{text}_{axis}" if isinstance(axis, str) else axis
