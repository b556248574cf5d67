"""Byte pairs: pieces of words by merges in the order in which they were learned.

Source: Sennrich et al. 2015, https://arxiv.org/abs/1508.07909, algorithm 1. Two forms: pieces of characters, the last
of a word with `</w>` (openai/finetune-transformer-lm, text_utils.py), and pieces of bytes (openai/gpt-2, encoder.py).
"""

import hashlib
import itertools
import json
import os

from bertline import registry
from bertline.common import json_files
from bertline.common.files import replace_file
from bertline.errors import InputError
from bertline.processors.files import folders
from bertline.processors.tokenizers.folder import tokenizer_json
from bertline.processors.tokenizers.folder.byte_pair_files import END_OF_WORD, form_of, read_files, read_json
from bertline.processors.tokenizers.folder.tokenizer_folder import CONFIG_NAME, model_max_length
from bertline.processors.tokenizers.rules.byte_words import BLANK, CHARACTER_OF_BYTE, byte_words
from bertline.processors.tokenizers.rules.character_rules import TOKENIZERS
from bertline.processors.tokenizers.rules.english_words import english_words
from bertline.processors.tokenizers.rules.normalization import BasicTokenizer
from bertline.processors.tokenizers.tokenizer import Tokenizer, check_asked, join_rows, tokens_of_role

VOCAB_JSON, MERGES = "vocab.json", "merges.txt"
# Names of vocabulary and merges, those of the released GPT-2 and GPT-1 after the usual ones.
_PAIRS = ((VOCAB_JSON, MERGES), ("encoder.json", "vocab.bpe"), ("encoder_bpe_40000.json", "vocab_40000.bpe"))
# Form -> its `tokenizer_class`, as `transformers` has them.
_CLASSES = {"characters": "OpenAIGPTTokenizer", "bytes": "GPT2Tokenizer"}
# Role -> what vocabularies call it.
_SPECIAL = {
    "unk": ("<unk>", "<|endoftext|>"),
    "pad": ("<pad>", "<|endoftext|>"),
    "start": ("_start_", "<s>", "<|endoftext|>"),
    "delimiter": ("_delimiter_",),
    "extract": ("_classify_",),
    "end": ("</s>", "<|endoftext|>", "\n</w>"),  # GPT-1 has nothing but a line end
    "sep": ("</s>",),
    "cls": ("<s>",),
    "mask": ("<mask>",),
}
_CACHED_WORDS = 1 << 18


@registry.register("tokenizer", "bpe")
class BytePairTokenizer(Tokenizer):
    """Pieces of words.

    Args:
      vocab: dict piece -> id.
      merges: list of pairs of pieces, the first one first.
      form: "characters", where texts become words as for GPT-1, lower-cased; "bytes", where they do as for GPT-2.
      split: of characters: "english" as GPT-1's, "basic" as BERT's.
      special_tokens: (role, token) pairs, before what vocabularies call them.
      vocab_file: str, for messages.

    Raises:
      InputError: the vocabulary lacks a byte.
    """

    order = 20
    kind = "bpe"
    said_as = f"{VOCAB_JSON} with {MERGES}"
    file_names = ("vocab.json",)

    def __init__(
        self, vocab, merges, form, split="english", special_tokens=(), vocab_file=VOCAB_JSON, model_max_length=None
    ):
        super().__init__(vocab, vocab_file)
        self.form, self.special_tokens, self.merges = form, tuple(special_tokens), list(merges)
        self.do_lower_case, self.model_max_length = form == "characters", model_max_length
        self._ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.split = split if form == "characters" else None
        self._words = {"bytes": byte_words, "characters": _SPLITS[split]}[form]
        self._unknown = next((name for name in self.special_names("unk") if name in vocab), None)
        self._cache = {}
        needed = CHARACTER_OF_BYTE if form == "bytes" else ()
        missing = next((piece for piece in needed if piece not in vocab), None)
        if missing is not None:
            raise InputError(f"{self.vocab_file}: no {missing!r} among {len(vocab)} pieces, each byte needs one")

    def __getstate__(self):
        return {**self.__dict__, "_cache": {}}

    @staticmethod
    def fits(path, names):
        """A folder with vocabulary and merges, or one whose tokenizer.json has both; the vocabulary by itself."""
        if names is None:
            return any(os.path.basename(path) == vocabulary for vocabulary, _ in _PAIRS)
        if any(names.issuperset(pair) for pair in _PAIRS):
            return True
        name = _config(path).get("tokenizer_class") if names >= {CONFIG_NAME, tokenizer_json.NAME} else None
        return str(name).removesuffix("Fast") in _CLASSES.values()

    @classmethod
    def load(cls, path, names, do_lower_case=None):
        folder = path if names is not None else os.path.dirname(path)
        pairs = [pair for pair in _PAIRS if (names.issuperset(pair) if names else pair[0] == os.path.basename(path))]
        files = [os.path.join(folder, name) for name in (pairs[0] if pairs else [tokenizer_json.NAME])]
        vocab, merges = read_files(*files) if pairs else read_json(*files)
        vocab_file, config_file, config = files[0], os.path.join(folder, CONFIG_NAME), _config(folder)
        form = _form(config_file, config, merges)
        check_asked(config_file, form == "characters", do_lower_case)
        special = tuple(
            (role.removesuffix("_token"), token)
            for role, token in ((role, _content(token)) for role, token in config.items() if role.endswith("_token"))
            if token is not None
        )
        # The released files know no split; the class of `transformers` has BERT's words.
        split = config.get("split", "basic" if config.get("tokenizer_class") else "english")
        if split not in _SPLITS:
            raise InputError(f"{config_file}: split is {split!r}; one of {', '.join(_SPLITS)} is needed")
        longest = model_max_length(config, config_file)
        return cls(vocab, merges, form, split, special, vocab_file, longest)

    def save(self, folder, model_max_length=None):
        """Writes vocab.json, merges.txt and tokenizer_config.json, as Hugging Face has them."""
        lines = ["#version: 0.2", *map(" ".join, self.merges)]
        length = model_max_length or self.model_max_length
        config = {
            "tokenizer_class": _CLASSES[self.form],
            **self._facts(),
            **({"model_max_length": length} if length else {}),
        }
        for name, text in (
            (VOCAB_JSON, json.dumps(self.vocab, ensure_ascii=False)),
            (MERGES, "".join(f"{line}\n" for line in lines)),
            (CONFIG_NAME, json.dumps(config, indent=2)),
        ):
            with (
                replace_file(os.path.join(folder, name)) as path,
                open(path, "w", encoding="utf-8", newline="") as file,
            ):
                file.write(text)

    def _facts(self):
        split = {"split": self.split} if self.form == "characters" else {}
        return {**split, **{f"{role}_token": token for role, token in self.special_tokens}}

    def fingerprint(self):
        content = json.dumps([self.kind, self.form, self._facts(), self.vocab, self.merges], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()

    def special_names(self, role):
        return (*tokens_of_role(self.special_tokens, role), *_SPECIAL.get(role, ()))

    def tokenize(self, text):
        return list(itertools.chain.from_iterable(map(self.word_pieces, self._words(text))))

    def encode_batch(self, texts):
        """See Tokenizer; each different word is cut once."""
        vocab = self.vocab
        return join_rows(
            [[vocab[piece] for word in self._words(text) for piece in self.word_pieces(word)] for text in texts]
        )

    def word_pieces(self, word):
        """See Tokenizer; a word of bytes has its characters, and the blank before it."""
        pieces = self._cache.get(word)
        if pieces is None:
            if len(self._cache) >= _CACHED_WORDS:
                self._cache.clear()
            pieces = [piece if piece in self.vocab else self._unknown for piece in self._merge(self._symbols(word))]
            pieces = self._cache[word] = [piece for piece in pieces if piece is not None]
        return pieces

    def _symbols(self, word):
        if self.form == "bytes":
            return [CHARACTER_OF_BYTE[byte] for byte in word.encode("utf-8", "replace")]
        return [*word[:-1], word[-1:] + END_OF_WORD]

    def _merge(self, symbols):
        """Joins the pair that was learned first, wherever it stands, until no pair is known."""
        ranks, unranked = self._ranks, len(self._ranks)
        while len(symbols) > 1:
            pairs = list(itertools.pairwise(symbols))
            best = min(pairs, key=lambda pair: ranks.get(pair, unranked))
            if best not in ranks:
                break
            found, place = [], 0
            while place < len(symbols):
                if place + 1 < len(symbols) and (symbols[place], symbols[place + 1]) == best:
                    found.append(symbols[place] + symbols[place + 1])
                    place += 2
                else:
                    found.append(symbols[place])
                    place += 1
            symbols = found
        return symbols

    def fold_character(self, character):
        """See Tokenizer; of bytes, a character for each."""
        if self.form == "characters":
            return super().fold_character(character)
        return "".join(self._symbols(character.strip()))

    def surface(self, token):
        """See Tokenizer; blanks before words and marks of their ends are left out."""
        if self.form == "characters":
            return super().surface(token.removesuffix(END_OF_WORD))
        return None if token == self._unknown else token.replace(BLANK, "")

    def continuations(self):
        """Letters and digits that no blank precedes. Raises InputError where pieces show the ends of words alone."""
        if self.form != "bytes":
            raise InputError(
                f"{self.vocab_file}: its pieces do not show where words begin; --masking=token needs no words"
            )
        found = super().continuations()
        found[[number for piece, number in self.vocab.items() if piece.isalnum() and piece[0] != BLANK]] = True
        return found


_SPLITS = {"english": english_words, "basic": BasicTokenizer(rules=TOKENIZERS).tokenize}


def _config(folder):
    path = os.path.join(folder, CONFIG_NAME)
    return json_files.read(path, mend="mend or remove it") if folders.exists(path) else {}


def _form(config_file, config, merges):
    """What the files are about. Raises InputError for the class of another tokenizer."""
    name = config.get("tokenizer_class")
    shown = form_of(merges)
    known = _CLASSES[shown]
    if name is not None and str(name).removesuffix("Fast") != known:
        raise InputError(
            f"{config_file}: tokenizer_class {name}; merges of {shown} are read as by {known}; this model needs "
            "another tokenizer"
        )
    return shown


def _content(entry):
    """The token of an entry, a str or an object; None for another one."""
    entry = entry.get("content") if isinstance(entry, dict) else entry
    return entry if isinstance(entry, str) else None
