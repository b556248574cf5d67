"""Names that TensorFlow's Model Garden gives BERT's weights, in TF Hub modules and TF2 checkpoints.

Source: variables of the modules tensorflow/bert_*, versions 3 and later ("transformer/layer_0/...") and before
("bert_model/encoder/layer_0/...").
"""

import dataclasses
import math
import re

import numpy as np

from bertline.errors import InputError

_LAYER = r"layer_(\d+)/"
_FROM, _TO = r"bert/encoder/layer_\1/", r"bert/embeddings/"

# The end of a name there -> the canonical name.
NAMES = {
    r"word_embeddings/embeddings": _TO + r"word_embeddings",
    r"position_embedding/embeddings": _TO + r"position_embeddings",
    r"embedding_postprocessor/position_embeddings": _TO + r"position_embeddings",
    r"type_embeddings/embeddings": _TO + r"token_type_embeddings",
    r"embedding_postprocessor/type_embeddings": _TO + r"token_type_embeddings",
    r"(?:embeddings|embedding_postprocessor)/layer_norm/(gamma|beta)": _TO + r"LayerNorm/\1",
    _LAYER + r"self_attention/(query|key|value)/(kernel|bias)": _FROM + r"attention/self/\2/\3",
    _LAYER + r"self_attention(?:/attention)?_output/(kernel|bias)": _FROM + r"attention/output/dense/\2",
    _LAYER + r"self_attention_layer_norm/(gamma|beta)": _FROM + r"attention/output/LayerNorm/\2",
    _LAYER + r"intermediate/(kernel|bias)": _FROM + r"intermediate/dense/\2",
    _LAYER + r"output/(kernel|bias)": _FROM + r"output/dense/\2",
    _LAYER + r"output_layer_norm/(gamma|beta)": _FROM + r"output/LayerNorm/\2",
    r"pooler_transform/(kernel|bias)": r"bert/pooler/dense/\1",
    r"cls/predictions/transform/(dense|LayerNorm)/(\w+)": r"cls/predictions/transform/\1/\2",
    r"cls/predictions/output_bias/bias": r"cls/predictions/output_bias",
}
_PATTERNS = [(re.compile(rf"(?:^|/){pattern}$"), name) for pattern, name in NAMES.items()]


def canonical_tensors(tensors, path):
    """Tensors under canonical names; a name that is not in the table is kept.

    Args:
      path: of the file, for messages.

    Raises:
      InputError: two different tensors would have the same name.
    """
    renamed = {}
    for name, tensor in tensors.items():
        matches = ((pattern.search(name), canonical) for pattern, canonical in _PATTERNS)
        found = next((match.expand(canonical) for match, canonical in matches if match), name)
        joined = _join_heads(found, tensor)
        if found in renamed and not _are_equal(renamed[found], joined):
            raise InputError(
                f"{path}: several models in it, as {renamed[found].name} and {name} say; save the one that is meant by "
                "itself"
            )
        renamed[found] = joined
    return renamed


def _are_equal(one, other):
    return one.shape == other.shape and np.array_equal(one.read(), other.read())


def _join_heads(name, tensor):
    """Attention weights without the axis of heads: [H, heads, width] into a head, [heads, width, H] out of it."""
    shape = tensor.shape
    if re.search(r"/self/(query|key|value)/kernel$", name) and len(shape) == 3:
        shape = (shape[0], shape[1] * shape[2])
    elif re.search(r"/self/(query|key|value)/bias$", name) and len(shape) == 2:
        shape = (shape[0] * shape[1],)
    elif name.endswith("attention/output/dense/kernel") and len(shape) == 3:
        shape = (shape[0] * shape[1], shape[2])
    assert math.prod(shape) == math.prod(tensor.shape)
    return dataclasses.replace(tensor, shape=shape, read=lambda: tensor.read().reshape(shape))


def infer_config(tensors):
    """What the shapes say of a module's configuration, or None where its weights have no axis of heads to count.

    tensors: under their names in the module. The activation is the Model Garden's gelu, the original's.
    """
    ends = {
        "word_embeddings/embeddings": lambda shape: {"vocab_size": shape[0], "hidden_size": shape[1]},
        "position_embedding/embeddings": lambda shape: {"max_position_embeddings": shape[0]},
        "embedding_postprocessor/position_embeddings": lambda shape: {"max_position_embeddings": shape[0]},
        "type_embeddings/embeddings": lambda shape: {"type_vocab_size": shape[0]},
        "embedding_postprocessor/type_embeddings": lambda shape: {"type_vocab_size": shape[0]},
        "layer_0/intermediate/bias": lambda shape: {"intermediate_size": shape[0]},
        "layer_0/self_attention/query/bias": lambda shape: {"num_attention_heads": shape[0]} if len(shape) == 2 else {},
    }
    config = {"num_hidden_layers": sum(name.endswith("/self_attention/query/bias") for name in tensors)}
    for name, tensor in tensors.items():
        for end, read in ends.items():
            if name.endswith(end):
                config |= read(tensor.shape)
    return config if "num_attention_heads" in config and "vocab_size" in config else None
