"""What every encoder is: a Keras layer from features to hidden states, with weights that have names."""

import keras

DTYPES = ("float32", "bfloat16", "float16")


def policy(dtype, for_training):
    """Keras dtype policy: half-precision training keeps float32 variables, inference stores the cast ones."""
    if dtype not in DTYPES:
        raise ValueError(f"dtype {dtype!r} is not one of {', '.join(DTYPES)}")
    return dtype if dtype == "float32" or not for_training else f"mixed_{dtype}"


class Encoder(keras.layers.Layer):
    """Base of all encoders.

    `call(features, dropout_key=None, positions=None, all_layers=False)` returns a dict:
      sequence_output: [B, T, H], or [B, P, H] where `positions` (int32 [B, P]) asks for some tokens only;
      pooled_output: [B, H];
      all_layers: list of [B, T, H], embeddings first, where asked for.

    `config` is an object with `to_dict()`. `layout` names the layout of `processors.layouts` that feeds it.
    Variables are built with the paths that they have in the original's checkpoints.
    """

    layout = "packed"

    def __init__(self, config, **kwargs):
        super().__init__(**kwargs)
        self.config = config

    def get_config(self):
        return {**super().get_config(), "config": self.config.to_dict()}

    @classmethod
    def from_config(cls, config):
        return cls(cls.config_class.from_dict(config.pop("config")), **config)

    def named_weights(self):
        """Canonical name (the original's TF1 name) -> variable."""
        return {variable.path: variable for variable in self.variables}

    def huggingface_names(self):
        """Canonical name -> (name in a Hugging Face checkpoint, whether it is transposed there)."""
        raise ValueError(f"{type(self).__name__} has no Hugging Face counterpart")
