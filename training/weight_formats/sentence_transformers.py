"""What sentence-transformers wants beside config.json and the weights: how tokens become a sentence's vector.

Source: the files that the library itself writes: modules.json, 1_Pooling/config.json, sentence_bert_config.json.
"""

import json
import os

from files import replaced

# Keys of 1_Pooling/config.json, in the order in which the library concatenates, and what we call them.
POOLING_KEYS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len",
    "pooling_mode_weightedmean_tokens": "weighted_mean",
    "pooling_mode_lasttoken": "last",
}


def save_modules(folder, pooling, width, max_seq_length, normalize):
    """Writes what makes a Hugging Face folder one of sentence-transformers.

    Args:
      folder: has config.json and the weights.
      pooling: names joined by "+"; their vectors are concatenated in the library's own order.
      width: of a token's state.
      max_seq_length: tokens of the longest text, special ones included.
      normalize: whether vectors get length 1.
    """
    names = set(pooling.split("+"))
    modules = [("", "Transformer"), ("1_Pooling", "Pooling"), *([("2_Normalize", "Normalize")] if normalize else [])]
    os.makedirs(os.path.join(folder, "1_Pooling"), exist_ok=True)
    _write(
        os.path.join(folder, "1_Pooling", "config.json"),
        {"word_embedding_dimension": width, **{key: name in names for key, name in POOLING_KEYS.items()}},
    )
    _write(
        os.path.join(folder, "sentence_bert_config.json"), {"max_seq_length": max_seq_length, "do_lower_case": False}
    )
    _write(
        os.path.join(folder, "modules.json"),
        [
            {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
            for i, (path, kind) in enumerate(modules)
        ],
    )


def _write(path, content):
    with replaced(path) as unfinished, open(unfinished, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
