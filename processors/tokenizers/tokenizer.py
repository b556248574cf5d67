"""What a tokenizer is, whatever it cuts texts into."""

import functools
import itertools
import os
import typing
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from bertline.errors import InputError
from bertline.processors.tokenizers.folder.added_tokens import AddedTokens

_THEIR_NAMES = {"start": "bos", "end": "eos"}
MAX_LENGTH = 512  # tokens, of a model that does not say another number


class Tokenizer:
    """Base of all tokenizers, which are registered as "tokenizer"; `load_tokenizer` asks them in turn.

    Attributes:
      order: a literal; the lowest is asked first.
      kind: str, the registered name.
      said_as: what a folder has to hold, for messages.
      file_names: names of vocabulary files by which a folder is known to have one, a literal.
      vocab_file: str, where the vocabulary was read from.
      vocab, inv_vocab: dicts token -> id, id -> token.
      vocab_size: int, one more than the largest id.
      do_lower_case: bool.
      added_tokens: bertline.processors.tokenizers.folder.added_tokens.AddedTokens that texts are cut at, or None.
      second_segment_id: int, segment_ids of a pair's second text.
      model_max_length: int, tokens of the longest text that the model is meant for; None where no file says it.
      cls_id, sep_id, pad_id, unk_id, mask_id: int; InputError where the vocabulary has no such token.
      end_id: int, what a text ends with in a stream of texts.
      cuts_words: whether a text has the tokens of its words, whoever finds the words.
      can_grow: whether `build_vocab.py --extend` can add words.
      parts: prefix -> Tokenizer of a part of the encoder that reads rows of its own (`layouts.aligned`).
      word_unit: what `word_pieces` takes, for a reader.
    """

    order = 50
    kind: str | None = None
    said_as: str | None = None
    file_names: tuple[str, ...] = ()
    do_lower_case: bool = False
    added_tokens: AddedTokens | None = None
    model_max_length: int | None = None
    second_segment_id = 1
    cuts_words = can_grow = False
    word_unit = "words"
    parts: dict[str, "Tokenizer"] = {}

    def __init__(self, vocab: dict[str, int], vocab_file: str | os.PathLike):
        self.vocab, self.vocab_file = vocab, os.fspath(vocab_file)
        self.inv_vocab = {number: token for token, number in vocab.items()}
        self.vocab_size = max(self.inv_vocab) + 1

    @staticmethod
    def fits(path: str, names: set[str] | None) -> bool:
        """Whether a vocabulary is of this kind; cheap, since every kind is asked.

        Args:
          path: str, of a folder or a file.
          names: set of the names in the folder; None for a file.
        """
        return False

    @classmethod
    def load(cls, path: str, names: set[str] | None, do_lower_case: bool | None = None) -> typing.Self:
        """The tokenizer of a path that fits.

        Args:
          path, names: see `fits`.
          do_lower_case: the casing that was asked for; None: what is saved, or what the vocabulary shows.

        Raises:
          InputError: damaged files, or a casing that contradicts the saved one.
        """
        raise NotImplementedError

    def save(self, folder: str, model_max_length: int | None = None) -> None:
        """Writes files into `folder` that `load` reads. `model_max_length`: by default the tokenizer's own."""
        raise NotImplementedError

    def save_with_parts(self, folder: str, model_max_length: int | None = None) -> None:
        """`save`, and the tokenizers of the parts in folders of it; see `folder_of_part`."""
        self.save(folder, model_max_length)
        for prefix, part in self.parts.items():
            place = folder_of_part(folder, prefix)
            os.makedirs(place, exist_ok=True)
            part.save_with_parts(place)

    def part(self, prefix: str) -> "Tokenizer":
        """The tokenizer of a part. Raises InputError where there is none."""
        if prefix not in self.parts:
            raise InputError(f"{self.vocab_file}: no vocabulary of the part with the prefix {prefix!r} is known")
        return self.parts[prefix]

    def word_cutter(self) -> Callable[[str], list[str]]:
        """text -> its words, for other processes: a pickle of it has no vocabulary. Here they stand between blanks."""
        return functools.partial(_split_at_blanks, do_lower_case=self.do_lower_case)

    def tokenize(self, text: str) -> list[str]:
        """Returns the tokens (str) of one text, without special tokens around it."""
        raise NotImplementedError

    def convert_tokens_to_ids(self, tokens: Iterable[str]) -> list[int]:
        return [self.vocab[token] for token in tokens]

    def convert_ids_to_tokens(self, ids: Iterable[int]) -> list[str]:
        return [self.inv_vocab[int(i)] for i in ids]

    def encode_batch(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """The ids of many texts, equal to `convert_tokens_to_ids(tokenize(text))` of each.

        Args:
          texts: list of str.

        Returns:
          ids int32 [total] and row_splits int64 [n + 1]; text i has ids[row_splits[i]:row_splits[i + 1]].
        """
        return join_rows([self.convert_tokens_to_ids(self.tokenize(text)) for text in texts])

    def encode_words(self, words: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """The ids of texts that are words already, list of str: ids and row_splits of the words, as `encode_batch`."""
        return self.encode_batch(words)

    def fingerprint(self) -> str:
        """A sha256, hex, of everything the ids depend on."""
        raise NotImplementedError

    def special_names(self, role: str) -> tuple[str, ...]:
        """Tokens that may have a role ("cls", "sep", "mask", ...) in a vocabulary, the likeliest first."""
        return ()

    def special_id(self, role: str) -> int:
        """The id of the token with a role. Raises InputError where the vocabulary has none."""
        found = next((name for name in self.special_names(role) if name in self.vocab), None)
        if found is None:
            raise self.missing_token(role)
        return self.vocab[found]

    def missing_token(self, role: str) -> InputError:
        """The InputError for a vocabulary without a token of a role."""
        names = " or ".join(self.special_names(role)) or f"token for {role!r}"
        return InputError(
            f"{self.vocab_file}: no {names} among {self.vocab_size} tokens, which is needed here; add it, or take "
            "another vocabulary"
        )

    cls_id = property(lambda self: self.special_id("cls"))
    sep_id = property(lambda self: self.special_id("sep"))
    pad_id = property(lambda self: self.special_id("pad"))
    unk_id = property(lambda self: self.special_id("unk"))
    mask_id = property(lambda self: self.special_id("mask"))
    end_id = property(lambda self: self.special_id("end"))

    def continuations(self) -> np.ndarray:
        """Which tokens continue a word, bool [vocab_size]; here none does."""
        return np.zeros(self.vocab_size, bool)

    def unknown_words(self, text: str) -> list[str]:
        """The words of a text that have no token of their own, list of str; [] where that cannot be said."""
        return []

    def word_pieces(self, word: str) -> list[str]:
        """The tokens of one word, list of str."""
        return self.tokenize(word)

    def holds_unknown(self, pieces: Iterable[str]) -> bool:
        """Whether something in the tokens of a word is unknown."""
        return not self.vocab.keys() >= set(pieces)

    def check_casing(self, do_lower_case: bool | None = None) -> None:
        """Raises InputError where a casing (None: the tokenizer's own) is not what the vocabulary shows."""

    def fold_character(self, character):
        """What a text is cut from, of one of its characters: as the tokenizer folds it; "" for a blank."""
        return (character.lower() if self.do_lower_case else character).strip()

    def words_of(self, folded):
        """Folded characters cut into what may be one unknown token each; here they are not cut."""
        return [folded]

    def surface(self, token):
        """The folded characters that a token stands for, without marks of where words begin; None: an unknown one."""
        return None if token in self.special_names("unk") else token

    def graph_form(self):
        """The tokenizer in a TensorFlow graph: a function string [n] -> RaggedTensor int32 [n, tokens], the same ids.

        Its `resources` are what a SavedModel with that function has to keep hold of. Bytes that are no UTF-8 are
        dropped, as `convert_to_unicode` does; a lone surrogate, which has no UTF-8, cannot come into a graph.

        Raises:
          InputError: there is none.
        """
        raise InputError(f"a tokenizer of the kind {self.kind} cannot be put into a graph; use serving.Predictor")


def folder_of_part(folder: str, prefix: str) -> str:
    """Where the vocabulary of a part lies in the folder of a model: bert_vocabulary of "bert_"."""
    return os.path.join(folder, f"{prefix}vocabulary")


def join_rows(rows: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Lists of ids -> ids int32 [total] and row_splits int64 [n + 1]."""
    row_splits = np.zeros(len(rows) + 1, np.int64)
    np.cumsum([len(row) for row in rows], out=row_splits[1:])
    return np.fromiter(itertools.chain.from_iterable(rows), np.int32, row_splits[-1]), row_splits


def tokens_of_role(special_tokens, role):
    """The tokens that a role has by (role, token) pairs, those of files of Hugging Face's under their names for it."""
    return [token for one, token in special_tokens if one in (role, _THEIR_NAMES.get(role))]


def check_asked(config_file: str, saved: bool | None, asked: bool | None) -> None:
    """Raises InputError where another casing is asked for than a file has; None: none is asked for, or saved."""
    if saved is not None and asked is not None and saved != asked:
        raise InputError(
            f"{config_file}: do_lower_case is {saved}, --do_lower_case={asked} was asked for; "
            f"use --do_lower_case={saved}, or another vocabulary"
        )


def _split_at_blanks(text, do_lower_case):
    return (text.lower() if do_lower_case else text).split()
