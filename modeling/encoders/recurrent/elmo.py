"""ELMo: layers of projected LSTMs in both directions, over words that are made of their characters.

Source: Peters et al. 2018, https://arxiv.org/abs/1802.05365, section 3; Jozefowicz et al. 2016,
https://arxiv.org/abs/1602.02410, section 3.2 and 3.3. Names of weights, gates and clips are those of bilm-tf.
"""

import contextlib
import dataclasses
import typing

import keras
import numpy as np
import tensorflow as tf

from bertline import registry
from bertline.errors import InputError
from bertline.modeling.configuration.config import EncoderConfig
from bertline.modeling.encoder import Encoder
from bertline.modeling.layers import pooling
from bertline.modeling.layers.dense import rows_of
from bertline.modeling.layers.dropout import dropout
from bertline.modeling.layers.projected_lstm import ProjectedLSTM
from bertline.modeling.layers.token_scales import scale_tokens
from bertline.modeling.layers.word_characters import ACTIVATIONS, Filters, Highway, Projection

# character_ids: 0 padding, b + 1 the byte b, then what stands around a word, and what a boundary of a sentence has in
# the place of bytes.
NUM_CHARACTERS = 261
BEGIN_OF_WORD, END_OF_WORD, BEGIN_OF_SENTENCE, END_OF_SENTENCE = 257, 258, 259, 260
# character id -> row of bilm-tf's table: bytes, begin and end of a sentence, begin and end of a word, padding.
WORDS_AT_ONCE = 1024  # of a vocabulary
ROWS = np.array([260, *range(256), 258, 259, 256, 257], np.int32)
LARGE = ((1, 32), (2, 32), (3, 64), (4, 128), (5, 256), (6, 512), (7, 1024))  # of the released models


@dataclasses.dataclass
class ElmoConfig(EncoderConfig):
    """Sizes and rates; the defaults are those of the model of the paper.

    `filters`: pairs of the characters that a filter sees and the number of such filters; None: words are looked up in a
    table of `vocab_size` rows instead. `max_characters`: of a word, its begin and end included.
    `units`: of a layer in each direction, projected to `projection_size` where that is less. `cell_clip`,
    `projection_clip`: largest absolute values; None: any. `residual`: whether a layer adds what goes into it.
    `vocab_size`: also of the softmax, in training. `start_id`, `end_id`: of the words that stand around a sentence
    where words are looked up. `dropout`: a rate, of what goes into each layer and out of the last one.
    """

    model_type: typing.ClassVar[str] = "elmo"

    vocab_size: int | None = None
    filters: list | None = dataclasses.field(default_factory=lambda: [list(pair) for pair in LARGE])
    character_embedding_size: int = 16
    max_characters: int = 50
    num_highways: int = 2
    filter_activation: str = "relu"
    units: int = 4096
    projection_size: int = 512
    num_layers: int = 2
    cell_clip: float | None = 3.0
    projection_clip: float | None = 3.0
    residual: bool = True
    start_id: int = 0
    end_id: int = 1
    dropout: float = 0.0

    def __post_init__(self):
        self.check_counts("vocab_size", "character_embedding_size", "units", "projection_size", "num_layers")
        self.check_rates()
        if self.projection_size > self.units:
            raise InputError(
                f"configuration field 'projection_size' is {self.projection_size}, more than the {self.units} units "
                "that are projected; at most as many are needed"
            )
        if self.filters is None:
            self._check_words()
        else:
            self._check_filters()

    def _check_words(self):
        if self.vocab_size is None:
            raise InputError("an elmo without filters looks words up: a vocab_size is needed")
        for name in ("start_id", "end_id"):
            if not 0 <= getattr(self, name) < self.vocab_size:
                raise InputError(f"configuration field {name!r} is {getattr(self, name)}; an id of a word is needed")

    def _check_filters(self):
        if self.filter_activation not in ACTIVATIONS:
            raise InputError(
                f"configuration field 'filter_activation' is {self.filter_activation!r}; known: "
                f"{', '.join(ACTIVATIONS)}"
            )
        for pair in self.filters or [None]:
            if not (isinstance(pair, (list, tuple)) and len(pair) == 2 and all(type(n) is int and n > 0 for n in pair)):
                raise InputError(f"configuration field 'filters' has {pair!r}; pairs [characters, filters] are needed")
        widest = max(window for window, _ in self.filters)
        if not max(4, widest) <= self.max_characters <= 50:
            raise InputError(
                f"configuration field 'max_characters' is {self.max_characters}; {max(4, widest)} to 50 are needed"
            )

    @property
    def width(self):
        return 2 * self.projection_size

    @property
    def num_filters(self):
        """Numbers of a word before they are projected."""
        return sum(count for _, count in self.filters)

    @property
    def layout(self):
        return "plain" if self.filters is None else "plain_characters"

    def num_parameters(self):
        size, units = self.projection_size, self.units
        layer = 2 * ((2 * size + 1) * 4 * units + (units * size if units != size else 0))
        return self._word_parameters() + self.num_layers * layer

    def _word_parameters(self):
        if self.filters is None:
            return self.vocab_size * self.projection_size
        count, embedding = self.num_filters, self.character_embedding_size
        filters = sum((window * embedding + 1) * number for window, number in self.filters)
        highways = self.num_highways * 2 * (count + 1) * count
        return NUM_CHARACTERS * embedding + filters + highways + (count + 1) * self.projection_size

    def id_limits(self):
        if self.filters is None:
            return {"input_ids": ("vocab_size", self.vocab_size)}
        return {"character_ids": ("number of characters", BEGIN_OF_SENTENCE)}  # boundaries are in no text


@registry.register("encoder", "elmo")
class Elmo(Encoder):
    """features -> hidden states, forward beside backward; see `Encoder` for the outputs.

    Features: character_ids int32 [B, T, N], 0 behind a word's end, or input_ids int32 [B, T] where words are looked up;
    input_mask int32 [B, T]. The begin and the end of a sentence are put around each row here, and their states are left
    out. `pooled_output` is the mean over the real tokens. `all_layers` are [B, T, 2 * P]: the vectors of the words,
    twice beside each other, then each layer. The state that is carried is that of both directions, each as it was after
    the last token that it read: bilm-tf carries it from batch to batch when it embeds, too.

    Args:
      config: an ElmoConfig.
    """

    config_class = ElmoConfig
    scales_tokens = True

    def __init__(self, config, name="lm", **kwargs):
        super().__init__(config, name=name, **kwargs)
        own = {"dtype": self.dtype_policy}
        self.filters, self.highways, self.projection = None, [], None
        if config.filters is not None:
            self.filters = Filters(config.filters, config.filter_activation, name="CNN", **own)
            self.highways = [Highway(name=f"CNN_high_{i}", **own) for i in range(config.num_highways)]
            if config.num_filters != config.projection_size:
                self.projection = Projection(config.projection_size, name="CNN_proj", **own)
        self.forward_lstms = [self._lstm() for _ in range(config.num_layers)]
        self.backward_lstms = [self._lstm() for _ in range(config.num_layers)]

    @property
    def lstms(self):
        """(layers of the forward direction, those of the backward one)."""
        return self.forward_lstms, self.backward_lstms

    def _lstm(self):
        config = self.config
        clips = config.cell_clip, config.projection_clip
        return ProjectedLSTM(config.units, config.projection_size, *clips, name="lstm_cell", dtype=self.dtype_policy)

    def build(self, input_shape=None):
        self._build_words()
        for direction, lstms in enumerate(self.lstms):
            for i, lstm in enumerate(lstms):
                with contextlib.ExitStack() as scopes:
                    for scope in scopes_of(direction, i, len(lstms)):
                        scopes.enter_context(keras.name_scope(scope))
                    lstm.build(self.config.projection_size)
        self.built = True

    def _build_words(self):
        config = self.config
        shape = (NUM_CHARACTERS, config.character_embedding_size)
        if config.filters is None:
            shape = (config.vocab_size, config.projection_size)
        # autocast=False: rows are gathered first and cast then, never the whole table.
        self.table = self.add_weight(
            name="embedding" if config.filters is None else "char_embed",
            shape=shape,
            initializer=keras.initializers.RandomUniform(-1.0, 1.0),
            autocast=False,
        )
        if config.filters is None:
            return
        self.filters.build(config.character_embedding_size)
        for highway in self.highways:
            highway.build(config.num_filters)
        if self.projection is not None:
            self.projection.build(config.num_filters)

    def call(self, features, dropout_key=None, positions=None, all_layers=False, state=None, training=False):
        mask = tf.cast(features["input_mask"], tf.int32)
        words = self.vectors_of(self._with_boundaries(features))  # [B, T + 2, P]
        words = scale_tokens(words, features, around=1)
        # Padding is passed over wherever it is, so that the end of a sentence may stand behind it.
        real = tf.pad(mask > 0, [[0, 0], [1, 1]], constant_values=True)
        inputs, reals = ([one, tf.reverse(one, [1])] for one in (words, real))
        layers, state = self.read_both_ways(inputs, reals, state, self.key_of(dropout_key, training))
        states = [
            tf.concat([one, tf.reverse(other, [1])], axis=-1)[:, 1:-1] for one, other in ((words, inputs[1]), *layers)
        ]
        top = states[-1]
        mean = pooling.pool(tf.cast(top, tf.float32)[:, :, None], mask, "mean")[:, 0]
        result = {
            "sequence_output": top if positions is None else tf.gather(top, positions, batch_dims=1),
            "pooled_output": tf.cast(mean, top.dtype),
            "state": state,
        }
        return {**result, "all_layers": states} if all_layers else result

    def _with_boundaries(self, features):
        """The ids of all words of a row, with those of its begin and its end around them."""
        if self.config.filters is None:
            ids = tf.cast(features["input_ids"], tf.int32)
            begin, end = (tf.fill([tf.shape(ids)[0], 1], id) for id in (self.config.start_id, self.config.end_id))
            return tf.concat([begin, ids, end], axis=1)
        ids = tf.cast(features["character_ids"], tf.int32)
        shape, size = tf.shape(ids), self.config.max_characters
        ids = tf.pad(ids, [[0, 0], [0, 0], [0, tf.maximum(0, size - shape[2])]])
        around = [
            tf.pad([BEGIN_OF_WORD, boundary, END_OF_WORD], [[0, tf.shape(ids)[2] - 3]])
            for boundary in (BEGIN_OF_SENTENCE, END_OF_SENTENCE)
        ]
        begin, end = (tf.tile(boundary[None, None], [shape[0], 1, 1]) for boundary in around)
        return tf.concat([begin, ids, end], axis=1)

    def vectors_of(self, ids):
        """Words -> [B, T, P]: ids int32 [B, T] where words are looked up, else those of their characters [B, T, N].

        Each different word of a batch goes through the filters once.
        """
        if self.config.filters is None:
            return tf.cast(rows_of(self.table, ids), self.compute_dtype)
        rows, columns = tf.shape(ids)[0], tf.shape(ids)[1]
        words = self._cut(tf.reshape(ids, [rows * columns, tf.shape(ids)[2]]))
        if self.remove_padding:
            words, places = tf.raw_ops.UniqueV2(x=words, axis=[0])
            vectors = tf.gather(self._vectors_of_characters(self._shorten(words)), places)
        else:
            vectors = self._vectors_of_characters(words)
        return tf.reshape(vectors, [rows, columns, self.config.projection_size])

    def _cut(self, words):
        """int32 [W, N] -> [W, max_characters]; the end of a word is kept where the word is cut."""
        size = self.config.max_characters
        words = tf.pad(words, [[0, 0], [0, tf.maximum(0, size - tf.shape(words)[1])]])[:, :size]
        last = words[:, size - 1 :]
        return tf.concat([words[:, : size - 1], tf.where(last > 0, END_OF_WORD, last)], axis=1)

    def _shorten(self, words):
        """[W, N] without padding that no filter sees alone: one that does has seen what all others would."""
        longest = tf.reduce_max(tf.reduce_sum(tf.cast(words > 0, tf.int32), axis=1))
        widest = max(window for window, _ in self.config.filters)
        return words[:, : tf.minimum(self.config.max_characters, tf.maximum(longest, 0) + widest)]

    def _vectors_of_characters(self, words):
        """int32 [W, N] -> [W, P]."""
        rows = tf.cast(rows_of(self.table, tf.gather(ROWS, words)), self.compute_dtype)  # [W, N, E]
        vectors = self.filters(rows)
        for highway in self.highways:
            vectors = highway(vectors)
        return vectors if self.projection is None else self.projection(vectors)

    def read_both_ways(self, inputs, reals, state=None, key=None):
        """The layers above the words, each direction by itself.

        Args:
          inputs: two [B, T, P], forward and backward, each in the order in which it is read.
          reals: two bool [B, T]; padding leaves a state as it is.
          state: of an earlier call, or None: zeros. key: DropoutKey, or None.

        Returns:
          list of a pair [B, T, P] for each layer, 0 at padding or what goes into it; state.
        """
        found = [self._read(way, *given, state, key) for way, given in enumerate(zip(inputs, reals))]
        (forward, forward_state), (backward, backward_state) = found
        pairs = zip(forward_state, backward_state)
        state = tuple(tuple(tf.stack(one) for one in zip(*pair)) for pair in pairs)
        return list(zip(forward, backward)), state

    def _read(self, way, inputs, real, state, key):
        """The layers of one direction, [B, T, P] each, and their states."""
        rate, found, states = self.config.dropout, [], []
        rows, real = tf.transpose(inputs, [1, 0, 2]), tf.transpose(real)[:, :, None]
        for i, lstm in enumerate(self.lstms[way]):
            rows = dropout(rows, rate, key.child(2 * i + way) if key is not None else None)
            before = None if state is None else tuple(one[way] for one in state[i])
            outputs, after = lstm(rows, real=real, state=before)
            rows = rows + outputs if self.config.residual and i else outputs
            found.append(rows)
            states.append(after)
        found[-1] = dropout(rows, rate, key.child(2 * len(found) + way) if key is not None else None)
        return [tf.transpose(one, [1, 0, 2]) for one in found], states

    def zero_state(self, lanes):
        pairs = [[lstm.zero_state(lanes) for lstm in both] for both in zip(*self.lstms)]
        return tuple(tuple(tf.stack(one) for one in zip(*pair)) for pair in pairs)

    def vectors_of_vocabulary(self, character_ids):
        """int [V, N], of each word of a vocabulary -> numpy float32 [V, P].

        Raises:
          InputError: it looks words up already.
        """
        if self.config.filters is None:
            raise InputError("an elmo without filters has a table of words already")
        parts = np.array_split(np.asarray(character_ids, np.int32), -(-len(character_ids) // WORDS_AT_ONCE))
        return np.concatenate([np.asarray(self.vectors_of(part[None])[0], np.float32) for part in parts])

    def with_table_of_words(self, vectors, start_id, end_id):
        """An Elmo of the same layers that looks words up.

        Args:
          vectors: float [V, P], of each word of a vocabulary. start_id, end_id: the boundaries of sentences in it.
        """
        size = len(vectors)
        config = dataclasses.replace(self.config, filters=None, vocab_size=size, start_id=start_id, end_id=end_id)
        other = Elmo(config, dtype=self.dtype_policy)
        other.build()
        own = self.named_weights()
        for name, variable in other.named_weights().items():
            if name in own:
                variable.assign(own[name])
        other.table.assign(vectors)
        return other

    def blocks(self):
        path, count = self.path, self.config.num_layers
        cells = ["/".join(("RNN_[01]", *scopes_of(0, i, count)[1:])) for i in range(count)]
        return [f"^{path}/(embedding|char_embed|CNN)", *(f"^{path}/{cell}/" for cell in cells)]

    def output_table(self):
        return self.table if self.config.filters is None else None

    @classmethod
    def small(cls, dropout=0.0):
        filters = [[1, 4], [2, 5], [3, 7]]
        return ElmoConfig(
            filters=filters, character_embedding_size=4, num_highways=1, units=12, projection_size=8, dropout=dropout
        )

    @classmethod
    def small_inputs(cls, shape, draw):
        lengths = draw.integers(1, 9, shape)[:, :, None]
        ids = draw.integers(1, NUM_CHARACTERS, (*shape, 8), np.int32)
        return {"character_ids": ids * (np.arange(8) < lengths).astype(np.int32)}


def scopes_of(direction, layer, num_layers):
    """What stands before the names of a cell's weights in bilm-tf's checkpoints."""
    cells = ("multi_rnn_cell", f"cell_{layer}") if num_layers > 1 else ()
    return (f"RNN_{direction}", "rnn", *cells)
