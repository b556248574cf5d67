"""Several texts of each row through one encoder, each to one vector: what siamese objectives share.

Source: Reimers & Gurevych 2019, https://arxiv.org/abs/1908.10084, section 3.
"""

import tensorflow as tf

from bertline.modeling.layers import pooling as poolings


def stack_texts(features, texts):
    """The texts of B rows below each other, so that one call of the encoder sees them all.

    Args:
      features: `a_input_ids`, `a_input_mask`, ..., `b_input_ids`, ... [B, T].
      texts: prefixes, as ("a", "b").

    Returns:
      Features as the encoder reads them, [len(texts) * B, T]: all of the first text, then all of the second, ...
    """
    names = [name.removeprefix(f"{texts[0]}_") for name in features if name.startswith(f"{texts[0]}_")]
    return {name: tf.concat([features[f"{text}_{name}"] for text in texts], axis=0) for name in names}


def sentence_vectors(encoder, features, pooling, dropout_key=None):
    """float32 [B, W]: the last layer's states, pooled.

    Args:
      features: as the encoder reads them. Of a row that is all padding the first slot counts as a token.
      pooling: see `bertline.modeling.layers.pooling.pool`.
    """
    mask = features["input_mask"]
    mask = tf.concat([tf.ones_like(mask[:, :1]), mask[:, 1:]], axis=1)
    features = {**features, "input_mask": mask}
    if pooling == "cls":  # the last layer runs for the first token alone
        mask = mask[:, :1]
        states = encoder(features, dropout_key=dropout_key, positions=tf.zeros_like(mask))["sequence_output"]
    else:
        states = encoder(features, dropout_key=dropout_key)["sequence_output"]  # [B, T, H]
    return poolings.pool(tf.cast(states, tf.float32)[:, :, None], mask, pooling)[:, 0]
