"""A masked LM whose output embeddings are not its word embeddings, which transformers allows and BERT is not."""

import numpy as np

from errors import InputError

BIAS = "cls/predictions/output_bias"
_WEIGHT, _BIAS = "cls.predictions.decoder.weight", "cls.predictions.decoder.bias"
_WORDS = "/word_embeddings"


def check_tied(source, stored):
    """Raises InputError where a masked LM would not be the one that was saved.

    Args:
      source: a WeightSource. stored: its tensors by canonical name.
    """
    if (source.config or {}).get("tie_word_embeddings") is not False:
        return  # transformers too passes over what else is in the file
    words = next((name for name in stored if name.endswith(_WORDS)), None)
    for theirs, ours in ((_WEIGHT, words), (_BIAS, BIAS)):
        one, other = stored.get(theirs), stored.get(ours)
        if one and other and not (one.shape == other.shape and np.array_equal(one.read(), other.read())):
            raise InputError(
                f"{source.path}: {theirs} is not {ours} (tie_word_embeddings is false): a masked LM with output "
                "embeddings of its own, which is not built here; the encoder alone can be used: BertModel"
                '.from_pretrained("FOLDER").save_pretrained("NEW_FOLDER") of transformers, then give NEW_FOLDER'
            )
