"""Numbers that the vectors of tokens are multiplied by: their gradients say how much each token counts.

The gradient of a number at 1 is the product of the gradient of the token's vector with the vector, summed over its
places: gradient x input.

Source: Shrikumar et al. 2016, https://arxiv.org/abs/1605.01713, section 3; integrated gradients, Sundararajan et al.
2017, https://arxiv.org/abs/1703.01365, go along the same numbers from 0 to 1.
"""

import tensorflow as tf

TOKEN_SCALES = "token_scales"  # a feature, float32 [B, T], which batches of training and prediction do not have


def scale_tokens(vectors, features, around=0):
    """[B, T, W] times the `token_scales` of the features; as they are where there are none.

    Args:
      around: tokens before and behind each row that the features know nothing of.
    """
    scales = features.get(TOKEN_SCALES)
    if scales is None:
        return vectors
    scales = tf.pad(scales, [[0, 0], [around, around]], constant_values=1.0)
    return vectors * tf.cast(scales, vectors.dtype)[:, :, None]
