"""What it means for the result that some of a file's weights are not read."""

import dataclasses
import re

from bertline.weights import heads


@dataclasses.dataclass(frozen=True)
class Unread:
    """Some weights of a kind.

    Attributes:
      names: as the file has them, or canonical.
      meaning: what it means that they are not read, in words.
      matters: whether the model that wrote them computes something else by them than is computed here.
    """

    names: list[str]
    meaning: str
    matters: bool


_LAYER = re.compile(r"(?:^|[/.])layer[_.](\d+)[/.]")
# Part of a name -> (meaning, matters); the first that is found.
_PARTS = (
    (r"lora_|adapter", "an adapter: the result is that of the model without it; merge it into the weights first", True),
    (r"crossattention", "attention to another encoder's states: the result is that of the model without it", True),
    (r"distance_embedding", "relative positions: the result is that of the model without them", True),
    (r"(^|[/.])pooler[/.]", "a pooler: not needed here", False),
)
_COPY = "output embeddings of a masked LM: not needed, or copies of the word embeddings"
_PRETRAINED = "the head of pre-training (masked LM, next sentence, a bidirectional LM): not needed here"
_FINE_TUNED = "the head of a fine-tuned task: not needed here"
_OTHER = "of a part that is not known here: the result is that of the model without it"


def unread_weights(names, num_layers=None, begins_with_first_layers=False):
    """list of Unread; each name is in one.

    Args:
      names: of the weights that were not read.
      num_layers: of the encoder, where it is known.
      begins_with_first_layers: whether a shorter encoder was asked for, that begins as the first layers of the file.
    """
    groups = {}
    for name in names:
        groups.setdefault(_meaning(name, num_layers, begins_with_first_layers), []).append(name)
    return [Unread(members, *meaning) for meaning, members in groups.items()]


def _meaning(name, num_layers, begins_with_first_layers):
    layer = _LAYER.search(name)
    if layer and num_layers and int(layer[1]) >= num_layers:
        beyond = f"layers beyond the {num_layers} that the configuration says"
        if begins_with_first_layers:
            return f"{beyond}: the model begins as the first {num_layers} of this file", False
        return f"{beyond} (num_hidden_layers): they are left out", True
    for part, meaning, matters in _PARTS:
        if re.search(part, name):
            return meaning, matters
    if any(name in copies for copies in heads.copies()):
        return _COPY, False
    # In a folder of several tasks a head's weights have the task before their names.
    owner = heads.owner_of_weight(name) or heads.owner_of_weight(re.sub(r"^[\w-]+[/.]", "", name))
    if owner:
        return _FINE_TUNED if heads.problem_types(owner) else _PRETRAINED, False
    return _OTHER, True
