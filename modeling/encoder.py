"""What every encoder is: a Keras layer from features to hidden states, with weights that have names."""

import typing

import keras
import numpy as np
import tensorflow as tf

from bertline.modeling.configuration.config import EncoderConfig
from bertline.modeling.dtypes import DTYPES
from bertline.modeling.layers.dropout import DropoutKey
from bertline.modeling.recording import call_and_record
from bertline.modeling.speed.switches import rematerialization, static_shapes


class LayerMix(typing.NamedTuple):
    """Attributes:
    part: what the part is called, as "bert". at: the level of the top where it comes in, as "input", "layer 1".
    scalars: float32 [L], of the layers, embeddings first. shares: float32 [L], their softmax. gamma: float.
    """

    part: str
    at: str
    scalars: np.ndarray
    shares: np.ndarray
    gamma: float


def policy(dtype: str, for_training: bool) -> str:
    """Keras dtype policy: half-precision training keeps float32 variables, inference stores the cast ones."""
    if dtype not in DTYPES:
        raise ValueError(f"dtype {dtype!r} is not one of {', '.join(DTYPES)}")
    return dtype if dtype == "float32" or not for_training else f"mixed_{dtype}"


class Encoder(keras.layers.Layer):
    """Base of all encoders.

    `call(features, dropout_key=None, positions=None, all_layers=False)` returns a dict:
      sequence_output: [B, T, H], or [B, P, H] where `positions` (int32 [B, P]) asks for some tokens only;
      pooled_output: [B, H];
      all_layers: list of [B, T, H], embeddings first, where asked for;
      state: what the next batch of the same lanes goes on with, where the encoder carries a state.

    What others want to know of an encoder it answers by itself; what is known before it is built, its configuration
    does (`bertline.modeling.configuration.config`). One that may stand on top of others reads `input_vectors` [B, T,
    D] and is built by `build(D)`. Where `takes_vectors_between`, its layer k + 1 reads `vectors_above_<k>` [B, T, E]
    beside what layer k gives, and it is built by `build(D, {k: E})`. Variables are built with the paths that they have
    in the original's checkpoints.

    Attributes:
      config: an EncoderConfig, of the class `config_class`.
      architecture: how the names of its classes in `transformers` begin, a literal; None: it has none there.
      optional_weights: pattern of weights that a checkpoint may lack where `pooled_output` is not read; None: none.
      takes_vectors_between: whether vectors may come in between its layers, where it stands on top of others.
      is_causal: whether a token's state knows nothing of the tokens behind it.
      scales_tokens: whether `call` multiplies the first vectors of tokens by a feature `token_scales`, where there is
        one (`bertline.modeling.layers.token_scales`); reports then say how much each token counts.
      default_pooling: how the states of tokens become a sentence's vector, where nobody says it.
      rows_layout: the layout of rows that it reads; None: that of its configuration.
      remove_padding: whether padding may be left out of what is computed token by token.
        `bertline.modeling.speed.switches` decides
        when the encoder is made, and about `rematerialize` too: activations are computed again in the backward pass.
    """

    config_class: type[EncoderConfig]
    architecture: str | None = None
    optional_weights: str | None = None
    takes_vectors_between = False
    is_causal = False
    scales_tokens = False
    default_pooling = "mean"
    rows_layout: str | None = None

    def __init__(self, config: EncoderConfig, **kwargs):
        super().__init__(**kwargs)
        self.config = config
        self.remove_padding, self.rematerialize = not static_shapes.is_on, rematerialization.is_on

    def __call__(self, features: dict[str, tf.Tensor], *args, **kwargs) -> dict[str, typing.Any]:
        return call_and_record(super().__call__, features, *args, **kwargs)

    if typing.TYPE_CHECKING:

        def build(self, input_shape: int | None = None, widths_between: dict[int, int] | None = None) -> None:
            """Makes the weights; of one that stands on others, for vectors of these widths."""

    def get_config(self):
        return {**super().get_config(), "config": self.config.to_dict()}

    @classmethod
    def from_config(cls, config):
        return cls(cls.config_class.from_dict(config.pop("config")), **config)

    @property
    def width(self) -> int:
        """Numbers in the state of a token."""
        return self.config.width

    @property
    def num_layers(self) -> int:
        """Layers above the embeddings."""
        return self.config.num_layers

    def initial_weights(self) -> list[tuple["Encoder", str, tuple[str, ...]]]:
        """(encoder, path, prefixes) of each part whose weights a run that starts from nothing reads from a path.

        prefixes: the part's way through `rows_apart` of configurations; () where it reads the shared tokens.
        """
        return []

    @property
    def has_fixed_states(self) -> bool:
        """Whether `fixed_states` gives anything."""
        return False

    def fixed_states(self, features: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """What parts that never change give for the shared tokens: name -> [B, T, ...]; {} where nothing is fixed.

        `call` takes each from its features where it is there, and computes it where it is not.
        """
        return {}

    def layer_mixes(self) -> list[LayerMix]:
        """What has been learned of how much each layer of a part counts; [] where nothing was."""
        return []

    def blocks(self) -> list[str]:
        """Patterns of weights' names, bottom to top: what freezing, layer decay and gradual unfreezing count.

        Weights that match none stand above all of them.
        """
        return [f"^{self.path}/"]

    def output_table(self) -> keras.Variable | None:
        """The variable [V, H] that a softmax over the vocabulary may be tied to; None: there is none."""
        return None

    def input_table(self) -> keras.Variable | None:
        """The variable [V, E] whose rows `input_ids` stand for, where a vector of its own may stand for each word of a
        text; None: there is none, or words are read in another way too.
        """
        return None

    def attention_layers(self) -> list[keras.layers.Layer]:
        """Layers with `query`, `key` and `sizes`, bottom to top; [] where nothing attends."""
        return []

    def zero_state(self, lanes: int) -> typing.Any:
        """The state before the first batch of so many lanes: a nest of tensors; None where none is carried."""
        return None

    @classmethod
    def small(cls, dropout: float = 0.0) -> EncoderConfig:
        """A configuration of a few thousand weights, for the tests that every encoder must pass.

        Args:
          dropout: every rate that the encoder has.
        """
        raise NotImplementedError(f"{cls.__name__} must say what a small one is")

    @classmethod
    def small_inputs(cls, shape: tuple[int, int], draw: np.random.Generator) -> dict[str, np.ndarray]:
        """Random features for the small one: name -> array; those of the tokens alone, the tests add their mask.

        An encoder that reads more than ids of tokens says so here: characters [B, T, 50] of words, several sentences.

        Args:
          shape: (B, T). draw: a numpy.random.Generator.
        """
        return {name: draw.integers(0, limit, shape, "int32") for name, (_, limit) in cls.small().id_limits().items()}

    @staticmethod
    def key_of(dropout_key: DropoutKey | None, training: bool) -> DropoutKey | None:
        """The DropoutKey to draw from: the given one, a fresh one where Keras says `training`, else None."""
        return DropoutKey.draw() if training and dropout_key is None else dropout_key

    def named_weights(self) -> dict[str, keras.Variable]:
        """Canonical name (the original's TF1 name) -> variable; of a part of an encoder as if it stood alone."""
        above = (self.path or self.name).removesuffix(self.name)
        return {variable.path.removeprefix(above): variable for variable in self.variables}

    def huggingface_names(self) -> dict[str, tuple[str, bool]]:
        """Canonical name -> (name in a Hugging Face checkpoint, whether it is transposed there).

        An encoder that Hugging Face does not know keeps its names, with dots.
        """
        return {name: (name.replace("/", "."), False) for name in self.named_weights()}
