"""A language model whose output embeddings are not its word embeddings, which transformers allows and BERT is not."""

import numpy as np

from bertline.errors import InputError
from bertline.weights import heads


def check_tied(names, source, stored):
    """Raises InputError where a model with a head for tokens would not be the one that was saved.

    Args:
      names: of the weights of the model.
      source: a WeightSource. stored: its tensors by canonical name.
    """
    if (source.config or {}).get("tie_word_embeddings") is not False:
        return  # transformers too passes over what else is in the file
    for copies in heads.copies():
        if not set(names).isdisjoint(copies.values()):
            for theirs, end in copies.items():
                _check(source, stored, theirs, next((name for name in stored if name.endswith(end)), None))


def _check(source, stored, theirs, ours):
    one, other = stored.get(theirs), stored.get(ours)
    if one and other and not (one.shape == other.shape and np.array_equal(one.read(), other.read())):
        raise InputError(
            f"{source.path}: {theirs} is not {ours} (tie_word_embeddings is false): a masked LM with output "
            "embeddings of its own, which is not built here; the encoder alone can be used: BertModel"
            '.from_pretrained("FOLDER").save_pretrained("NEW_FOLDER") of transformers, then give NEW_FOLDER'
        )
