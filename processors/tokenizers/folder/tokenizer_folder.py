"""The tokenizer of a folder of Hugging Face's, from all files that say something of it, as `transformers` 5 reads them.

What is done with each field of tokenizer_config.json and of the files beside it:

- `tokenizer_class`, also of config.json: BERT's and those equal to it are read, `PreTrainedTokenizerFast` and
  `TokenizersBackend` with tokenizer.json alone deciding; others are refused.
- `do_lower_case`, `strip_accents`, `tokenize_chinese_chars`: honoured, before what tokenizer.json says.
- `unk_token`, `sep_token`, `pad_token`, `cls_token`, `mask_token`: honoured.
- `added_tokens_decoder`, else added_tokens.json, special_tokens_map.json and those of tokenizer.json, and
  `extra_special_tokens`, `additional_special_tokens`, `bos_token`, any other `*_token`: honoured, one piece each.
- `split_special_tokens`: honoured.
- `model_max_length`, `max_len`: the tokenizer's `model_max_length`; 10^9 and more mean that there is none.
- `model_input_names`: without `token_type_ids` the second text of a pair has segment 0.
- `truncation_side`, and `truncation` of tokenizer.json: `left` is refused.
- `do_basic_tokenize`, `never_split`, `clean_text`, `wordpieces_prefix`: refused where they are not BERT's defaults.
- `word_tokenizer_type`, `subword_tokenizer_type`, `mecab_kwargs`, `sudachi_kwargs`, `jumanpp_kwargs`: refused.
- `auto_map`, `fast_tokenizer_files`, `init_inputs`: refused, being Python code, other files, arguments without names.
- vocab.txt beside tokenizer.json: the latter decides; a difference is a warning.
- `max_input_chars_per_word` of tokenizer.json: honoured where that file alone decides, else 100 or the original's 200.
- `text_rules`, which Bertline writes: whether the original's tokenizer is meant, or the library `tokenizers`.
- Others (`padding_side`, `max_length`, `clean_up_tokenization_spaces`, `name_or_path`, ...) change no ids.
"""

import json
import logging
import os

from bertline.common import json_files
from bertline.errors import InputError
from bertline.processors.files import folders, text_files
from bertline.processors.tokenizers.folder import tokenizer_json
from bertline.processors.tokenizers.folder.special_tokens import SPECIAL_TOKENS, SpecialTokens, added_token
from bertline.processors.tokenizers.folder.tokenizer_settings import TokenizerSettings
from bertline.processors.tokenizers.rules.character_rules import ORIGINAL, RULES, TOKENIZERS

VOCAB_NAME = "vocab.txt"
CONFIG_NAME = "tokenizer_config.json"
_EXTRA = ("extra_special_tokens", "additional_special_tokens")
_SPECIAL_MAP, _ADDED = "special_tokens_map.json", "added_tokens.json"
# Classes of `transformers` that are BertTokenizer, or make the same ids; without the ending "Fast".
_BERT_CLASSES = {
    f"{name}Tokenizer"
    for name in (
        *("Bert", "ConvBert", "DistilBert", "DPRContextEncoder", "DPRQuestionEncoder", "Electra", "LayoutLM", "Lxmert"),
        *("MobileBert", "SqueezeBert"),
    )
}
# Those that take tokenizer.json as it is; the configuration says only which tokens are special.
_JSON_CLASSES = {"PreTrainedTokenizer", "TokenizersBackend"}
# Field -> the values under which BERT's tokenizer is meant. `transformers` 5 passes over some of them, 4 did not.
_NEEDED = {
    "do_basic_tokenize": (None, True),
    "never_split": (None, []),
    "clean_text": (None, True),
    "wordpieces_prefix": (None, "##"),
    "truncation_side": (None, "right"),
    "word_tokenizer_type": (None,),
    "subword_tokenizer_type": (None,),
    "mecab_kwargs": (None,),
    "sudachi_kwargs": (None,),
    "jumanpp_kwargs": (None,),
    "auto_map": (None,),
    "fast_tokenizer_files": (None, [tokenizer_json.NAME]),
    "init_inputs": (None, []),
}
_LONGEST = 10**9  # a larger model_max_length says that there is none


class TokenizerFolder:
    """What a folder says of its WordPiece tokenizer.

    Args:
      folder: local, or with a scheme.
      vocab_name: of the vocabulary file; tokenizer.json is not read where it is not VOCAB_NAME.

    Attributes:
      config_file: str, for messages.
      tokens: tuple of str, the vocabulary by id.
      vocab_file: str, where the vocabulary is: for messages.
      do_lower_case: bool as it is saved, or None.
      rules: CharacterRules that the weights were trained with, as far as the files tell.
      differing_line: the first line, from 1, in which vocab.txt has another token than tokenizer.json; None: there is
        none, or one of the files is absent.

    Raises:
      InputError: a file is damaged, or a setting is one that BERT's tokenizer does not have; both are named.
    """

    def __init__(self, folder, vocab_name=VOCAB_NAME):
        self._folder = folder
        self.config_file = self._path(CONFIG_NAME)
        self._config = self._read(CONFIG_NAME)
        self._json = None
        if vocab_name == VOCAB_NAME and folders.exists(self._path(tokenizer_json.NAME)):
            self._json = tokenizer_json.read(self._path(tokenizer_json.NAME))
        self._by_json_alone = self._check_class()
        self._check_needed()
        lines = None
        if folders.exists(self._path(vocab_name)):
            lines = tuple(map(str.strip, text_files.read_lines(self._path(vocab_name))))
        self.vocab_file = self._path(vocab_name if lines else tokenizer_json.NAME)
        self.differing_line = _differing_line(lines, self._json) if lines and self._json else None
        if self._json is None:
            self.tokens = lines
        else:  # where both are there and agree, the lines: they have a token for each id
            self.tokens = lines[: len(self._json.tokens)] if lines and not self.differing_line else self._json.tokens
        self.do_lower_case = self._json.do_lower_case if self._by_json_alone else self._flag("do_lower_case", None)
        self.rules = self._rules()

    def _path(self, name):
        return os.path.join(self._folder, name)

    def _read(self, name):
        path = self._path(name)
        return json_files.read(path, mend="mend or remove it") if folders.exists(path) else {}

    def _check_class(self):
        """Whether tokenizer.json alone decides. Raises InputError for the class of another tokenizer."""
        where, name = self.config_file, self._config.get("tokenizer_class")
        if name is None:
            where = self._path("config.json")
            name = self._read("config.json").get("tokenizer_class")
        if name is None:
            return False
        plain = str(name).removesuffix("Fast")
        if plain not in _BERT_CLASSES | _JSON_CLASSES:
            raise InputError(
                f"{where}: tokenizer_class {name} is not BERT's own (BertTokenizer), it gives other ids; this model "
                "needs another tokenizer than Bertline has"
            )
        if plain in _JSON_CLASSES and self._json is None:
            raise InputError(
                f"{where}: tokenizer_class {name} needs {tokenizer_json.NAME}, which is absent; copy it too"
            )
        return plain in _JSON_CLASSES

    def _check_needed(self):
        wrong = [(self.config_file, name, self._config.get(name)) for name in _NEEDED]
        if self._json:
            wrong += [(self._json.path, "clean_text", self._json.clean_text)]
            wrong += [(self._json.path, "truncation_side", "left" if self._json.truncates_left else "right")]
        for where, name, value in wrong:
            if value not in _NEEDED[name]:
                raise InputError(
                    f"{where}: {name} is {json.dumps(value)[:60]}, which BERT's tokenizer does not have (allowed: "
                    f"{json.dumps(_NEEDED[name][-1])}); this model needs another tokenizer"
                )

    def _flag(self, name, default):
        value = self._config.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise InputError(f"{self.config_file}: {name} is {json.dumps(value)[:60]}; true or false is needed")
        return value

    def _rules(self):
        # What only Hugging Face's programs write means their rules; a vocabulary by itself is the original's.
        name = self._config.get("text_rules")
        if name is not None:
            if not isinstance(name, str) or name not in RULES:
                raise InputError(f"{self.config_file}: text_rules is {name!r}; one of {', '.join(RULES)} is needed")
            return RULES[name]
        theirs = any(self._config.get(name) for name in ("added_tokens_decoder", *_EXTRA))
        beside = any(folders.exists(self._path(name)) for name in (_SPECIAL_MAP, _ADDED))
        return TOKENIZERS if self._json or theirs or beside else ORIGINAL

    def settings(self, do_lower_case):
        """The TokenizerSettings with the given casing."""
        special = self._special_tokens()
        accents, chinese = self._flag("strip_accents", None), self._flag("tokenize_chinese_chars", True)
        word_chars = None
        if self._by_json_alone:
            accents, chinese = self._json.strip_accents, self._json.tokenize_chinese_chars
            word_chars = self._json.max_word_chars
        found = TokenizerSettings(
            tokens=self.tokens,
            do_lower_case=do_lower_case,
            strip_accents=accents,
            tokenize_chinese_chars=chinese,
            rules=self.rules,
            max_word_chars=word_chars,
            special_tokens=special.roles,
            added_tokens=special.added,
            split_special_tokens=self._flag("split_special_tokens", False),
            second_segment_id=self._second_segment_id(),
            model_max_length=model_max_length(self._config, self.config_file),
        )
        if self._json:
            self._warn_of_differences(found)
        return found

    def _warn_of_differences(self, settings):
        """Says what `transformers` passes over in tokenizer.json, because the configuration decides."""
        found = self._json
        for name, there, here in (
            ("lowercase", found.do_lower_case, settings.do_lower_case),
            ("strip_accents", found.strip_accents, settings.strip_accents),
            ("handle_chinese_chars", found.tokenize_chinese_chars, settings.tokenize_chinese_chars),
            ("max_input_chars_per_word", found.max_word_chars, settings.word_chars),
        ):
            if there != here:
                logging.warning(
                    "%s: %s is %s; %s counts, as %s or its default says: so does transformers",
                    found.path,
                    name,
                    there,
                    here,
                    CONFIG_NAME,
                )
        if self.differing_line:
            logging.warning(
                "%s: line %d is another token than in %s, which counts: so does transformers",
                self.vocab_file,
                self.differing_line,
                tokenizer_json.NAME,
            )

    def _special_tokens(self):
        """SpecialTokens, from the files that `transformers` 5 looks into."""
        config = self._config
        decoder = None if self._by_json_alone else config.get("added_tokens_decoder")
        if decoder is None:
            config = config | self._read(_SPECIAL_MAP)
        named = {} if self._by_json_alone else dict(SPECIAL_TOKENS)
        named |= {key: value for key, value in config.items() if key.endswith("_token") and _is_token(value)}
        extra = next((config[name] for name in _EXTRA if config.get(name)), [])
        if isinstance(extra, dict):
            named, extra = named | extra, []
        declared = self._declared_tokens() if decoder is None else _read_decoder(self.config_file, decoder)
        found = SpecialTokens(self.config_file, self.tokens, declared, named, _list(self.config_file, extra))
        if self._by_json_alone:  # which does not make them whole in texts
            found.roles |= {"unk_token": self._json.unk_token, **self._json.around_texts()}
        return found

    def _declared_tokens(self):
        found = {}
        if not self._by_json_alone:
            where = self._path(_ADDED)
            found = {i: added_token(where, {"content": content}, i) for content, i in self._read(_ADDED).items()}
        return list((found | {token.id: token for token in self._json.added_tokens} if self._json else found).values())

    def _second_segment_id(self):
        kind = str(self._config.get("tokenizer_class")).removesuffix("Fast")
        default = [] if self._by_json_alone or kind == "DistilBertTokenizer" else ["token_type_ids"]
        names = self._config.get("model_input_names")
        return int("token_type_ids" in _list(self.config_file, default if names is None else names))


def model_max_length(config, where):
    """The `model_max_length` that a tokenizer_config.json says, int; None where it says none, or InputError."""
    value = config.get("model_max_length", config.get("max_len"))
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 1:
        raise InputError(f"{where}: model_max_length is {json.dumps(value)[:60]}; a number of tokens is needed")
    return int(value) if value < _LONGEST else None


def _differing_line(lines, found):
    if lines == found.tokens:
        return None
    added = {token.id: token.content for token in found.added_tokens}
    for i in range(max(len(lines), len(found.tokens))):
        there = found.tokens[i] if i < len(found.tokens) else added.get(i, "")
        # An id without a token is a line whose token comes again.
        if not tokenizer_json.is_gap(there) and (lines[i] if i < len(lines) else None) != there.strip():
            return i + 1
    return None


def _is_token(value):
    return isinstance(value, (str, dict))  # and no bool, as of add_bos_token


def _read_decoder(where, decoder):
    if not isinstance(decoder, dict) or not all(key.isdecimal() for key in decoder):
        raise InputError(f"{where}: added_tokens_decoder has to be an object of ids and tokens; copy the file again")
    return [added_token(where, entry, int(number)) for number, entry in decoder.items()]


def _list(where, value):
    if not isinstance(value, list):
        raise InputError(f"{where}: a list is needed, found {json.dumps(value)[:60]}; copy the file again")
    return value
