"""Whole words: the vocabularies of word vectors, and of models that know no pieces."""

import dataclasses
import hashlib
import itertools
import json
import os

import numpy as np

from bertline import registry
from bertline.common import json_files
from bertline.common.files import replace_file
from bertline.errors import InputError
from bertline.processors.files import folders, text_files
from bertline.processors.text import segmenters
from bertline.processors.tokenizers.folder.tokenizer_folder import CONFIG_NAME, VOCAB_NAME, model_max_length
from bertline.processors.tokenizers.rules.normalization import BasicTokenizer, convert_to_unicode
from bertline.processors.tokenizers.tokenizer import Tokenizer, check_asked, tokens_of_role
from bertline.processors.tokenizers.wordpiece import casing

CLASS_NAME = "WordTokenizer"  # `tokenizer_class` of its tokenizer_config.json
# Role -> what vocabularies call it.
_SPECIAL = {
    "pad": ("[PAD]", "<pad>"),
    "unk": ("[UNK]", "<unk>", "<UNK>"),
    "cls": ("[CLS]", "<cls>"),
    "sep": ("[SEP]", "<sep>"),
    "mask": ("[MASK]", "<mask>"),
    "start": ("<s>", "<S>", "<bos>", "[BOS]"),
    "end": ("</s>", "</S>", "<eos>", "[EOS]", "[SEP]"),
}


@dataclasses.dataclass(frozen=True)
class WordSettings:
    """How texts become words.

    Attributes:
      split: a name of SPLITS; "jieba" or package.module:function, a segmenter of bertline.processors.text.segmenters.
      do_lower_case, strip_accents: bool.
      special_tokens: (role, token) pairs, before what vocabularies call them.
      model_max_length: int, tokens of the longest text that the model is meant for; None: not known.
    """

    split: str = "basic"
    do_lower_case: bool = False
    strip_accents: bool = False
    special_tokens: tuple = ()
    model_max_length: int | None = None


@registry.register("tokenizer", "words")
class WordTokenizer(Tokenizer):
    """The words of a text; one that the vocabulary lacks is its unknown token, or nothing where it has none.

    Attributes:
      cut: text -> its words, list of str, as the vocabulary would have them.

    Args:
      words: sequence of str, the vocabulary by id; of equal ones the last counts.
      settings: WordSettings.
      vocab_file: str, for messages.
    """

    order = 10
    kind = "words"

    def __init__(self, words, settings=WordSettings(), vocab_file=VOCAB_NAME):
        self.words = tuple(words)
        super().__init__(dict(zip(self.words, range(len(self.words)))), vocab_file)
        self.inv_vocab = dict(enumerate(self.words))  # where a word occurs twice, both ids have it
        self.settings, self.vocab_size = settings, len(self.words)
        self.do_lower_case, self.model_max_length = settings.do_lower_case, settings.model_max_length
        self._basic = BasicTokenizer(settings.do_lower_case, settings.strip_accents)
        self.cut = _cutter(settings.split, self._basic, self._fold)
        self._unknown = next((name for name in self.special_names("unk") if name in self.vocab), None)

    def __reduce__(self):
        return WordTokenizer, (self.words, self.settings, self.vocab_file)

    def _fold(self, text):
        return self._basic.without_marks(self._basic.fold(convert_to_unicode(text)))

    @staticmethod
    def fits(path, names):
        """A folder whose tokenizer_config.json says so."""
        folder = os.path.dirname(path) if names is None else path
        config = os.path.join(folder, CONFIG_NAME)
        if not (folders.exists(config) if names is None else CONFIG_NAME in names):
            return False
        return json_files.read(config, mend="mend or remove it").get("tokenizer_class") == CLASS_NAME

    @classmethod
    def load(cls, path, names, do_lower_case=None):
        path = path if names is None else os.path.join(path, VOCAB_NAME)
        config_file = os.path.join(os.path.dirname(path), CONFIG_NAME)
        config = json_files.read(config_file)
        words = list(map(str.strip, text_files.read_lines(path)))
        saved = _read_entry(config_file, config, "do_lower_case", bool, None)
        check_asked(config_file, saved, do_lower_case)
        lower = do_lower_case if saved is None else saved
        settings = WordSettings(
            split=_check_split(config_file, _read_entry(config_file, config, "split", str, WordSettings.split)),
            do_lower_case=casing(words) == "uncased" if lower is None else lower,
            strip_accents=_read_entry(config_file, config, "strip_accents", bool, False),
            special_tokens=tuple(
                (role.removesuffix("_token"), token)
                for role, token in config.items()
                if role.endswith("_token") and isinstance(token, str)
            ),
            model_max_length=model_max_length(config, config_file),
        )
        return cls(words, settings, path)

    def save(self, folder, model_max_length=None, vocab_name=VOCAB_NAME):
        """Writes vocab.txt and tokenizer_config.json."""
        with (
            replace_file(os.path.join(folder, vocab_name)) as path,
            open(path, "w", encoding="utf-8", newline="") as file,
        ):
            file.writelines(f"{word}\n" for word in self.words)
        length = model_max_length or self.model_max_length
        config = {"tokenizer_class": CLASS_NAME, **self._facts(), **({"model_max_length": length} if length else {})}
        with replace_file(os.path.join(folder, CONFIG_NAME)) as path, open(path, "w", encoding="utf-8") as file:
            json.dump(config, file, indent=2)

    def _facts(self):
        settings = self.settings
        special = {f"{role}_token": token for role, token in settings.special_tokens}
        return {
            "split": settings.split,
            "do_lower_case": settings.do_lower_case,
            "strip_accents": settings.strip_accents,
            **special,
        }

    def fingerprint(self):
        content = json.dumps([self.kind, self._facts(), self.words], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()

    def special_names(self, role):
        return (*tokens_of_role(self.settings.special_tokens, role), *_SPECIAL.get(role, ()))

    @property
    def unk_id(self):
        """None where the vocabulary has no unknown token."""
        return self.vocab.get(self._unknown)

    def tokenize(self, text):
        return [word if word in self.vocab else self._unknown for word in self._keep_known(self.cut(text))]

    def encode_batch(self, texts):
        """See Tokenizer."""
        return self._encode(list(map(self.cut, texts)))

    def encode_words(self, words):
        """See Tokenizer; a word that the vocabulary has as it stands is one token, however texts are cut."""
        folded = list(map(self._fold, words))
        return self._encode([[word] if word in self.vocab else self.cut(word) for word in folded])

    def word_cutter(self):
        """See Tokenizer."""
        return _Cutter(self.settings)

    def _encode(self, rows):
        if self._unknown is None:
            rows = list(map(self._keep_known, rows))
        words = itertools.chain.from_iterable(rows)
        row_splits = np.zeros(len(rows) + 1, np.int64)
        np.cumsum([len(row) for row in rows], out=row_splits[1:])
        ids = np.fromiter(map(self.vocab.get, words, itertools.repeat(self.unk_id)), np.int32, row_splits[-1])
        return ids, row_splits

    def _keep_known(self, words):
        return words if self._unknown is not None else [word for word in words if word in self.vocab]

    def fold_character(self, character):
        return self._fold(character).strip()

    def graph_form(self):
        """See Tokenizer; for words that are cut as BERT's."""
        if self.settings.split != WordSettings.split:
            raise InputError(
                f"{self.vocab_file}: words by split={self.settings.split} cannot be put into a graph, only those by "
                f"{WordSettings.split}; use serving.TextEncoder"
            )
        from bertline.processors.tokenizers.graph.graph_vocabulary import GraphVocabulary

        return GraphVocabulary(self, self._basic)

    def unknown_words(self, text):
        return [word for word in self.cut(text) if word not in self.vocab]

    def holds_unknown(self, pieces):
        return not pieces or self._unknown in pieces


class _Cutter:
    """`WordTokenizer.cut`, without a vocabulary."""

    def __init__(self, settings):
        self._settings, self._cut = settings, WordTokenizer(["[UNK]"], settings).cut

    def __call__(self, text):
        return self._cut(text)

    def __reduce__(self):
        return _Cutter, (self._settings,)


def _cutter(split, basic, fold):
    """text -> its words, a list of str."""
    if split in SPLITS:
        return SPLITS[split](basic, fold)
    segment = None

    def cut(text):
        nonlocal segment
        segment = segment or segmenters.load(split)
        return [word for word in map(str, segment(fold(text))) if word.strip()]

    return cut


SPLITS = {
    "basic": lambda basic, fold: basic.tokenize,
    "white_space": lambda basic, fold: lambda text: fold(text).split(),
    "characters": lambda basic, fold: lambda text: list("".join(fold(text).split())),
}


def _check_split(where, split):
    """A file says no function to import: whoever wrote the folder would run code of his choice here."""
    known = (*SPLITS, "jieba")
    if split not in known:
        raise InputError(
            f"{where}: split is {json.dumps(split)[:60]}; one of {', '.join(known)} is needed; a file of --plugin may "
            "add its own to bertline.processors.tokenizers.words.SPLITS"
        )
    return split


def _read_entry(where, config, name, kind, default):
    value = config.get(name)
    if value is None:
        return default
    if not isinstance(value, kind):
        raise InputError(f"{where}: {name} is {json.dumps(value)[:60]}; a {kind.__name__} is needed")
    return value
