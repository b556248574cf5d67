"""Everything that the ids of a WordPiece tokenizer depend on."""

import dataclasses
import functools

from bertline.processors.tokenizers.folder.added_tokens import AddedToken
from bertline.processors.tokenizers.folder.special_tokens import SPECIAL_TOKENS
from bertline.processors.tokenizers.rules.character_rules import ORIGINAL, CharacterRules


@dataclasses.dataclass(frozen=True)
class TokenizerSettings:
    """Settings of a FullTokenizer.

    Attributes:
      tokens: tuple of str, the vocabulary by id, without added tokens; of equal ones the last counts.
      do_lower_case: bool.
      strip_accents: bool; None: as do_lower_case.
      tokenize_chinese_chars: whether each ideograph is a word.
      rules: CharacterRules.
      max_word_chars: a longer word is unknown; None: as the rules have it.
      special_tokens: role -> token; those of SPECIAL_TOKENS and perhaps more.
      added_tokens: tuple of AddedToken: those beyond the vocabulary, and those of it that are never cut in pieces.
      split_special_tokens: whether the special ones among them are cut like any text.
      second_segment_id: segment_ids of the second text of a pair.
      model_max_length: tokens of the longest text that the model is meant for, special ones included; None: not known.
    """

    tokens: tuple[str, ...]
    do_lower_case: bool = True
    strip_accents: bool | None = None
    tokenize_chinese_chars: bool = True
    rules: CharacterRules = ORIGINAL
    max_word_chars: int | None = None
    special_tokens: dict[str, str] = dataclasses.field(default_factory=lambda: dict(SPECIAL_TOKENS))
    added_tokens: tuple[AddedToken, ...] = ()
    split_special_tokens: bool = False
    second_segment_id: int = 1
    model_max_length: int | None = None

    @functools.cached_property
    def ids(self):
        """Token -> id, the added ones included."""
        return self.base_ids | {token.content: token.id for token in self.added_tokens}

    @functools.cached_property
    def base_ids(self):
        """Token -> id of the vocabulary; of equal tokens the last counts."""
        return dict(zip(self.tokens, range(len(self.tokens))))

    @property
    def word_chars(self):
        """int: characters of the longest word that has pieces."""
        return self.rules.max_word_chars if self.max_word_chars is None else self.max_word_chars

    @property
    def whole_tokens(self):
        """The AddedTokens that texts are cut at.

        The original knows no special tokens in texts: by its rules [MASK] in a text is "[", "mask", "]".
        """
        named = set(self.special_tokens.values()) if self.rules is ORIGINAL else set()
        return tuple(
            token
            for token in self.added_tokens
            if token.content not in named and not (token.special and self.split_special_tokens)
        )

    def beyond_the_original(self):
        """What differs from the original's tokenizer of this vocabulary and casing, in a form for JSON; {}: nothing."""
        plain = TokenizerSettings(self.tokens, self.do_lower_case)._facts()
        return {key: value for key, value in self._facts().items() if value != plain[key]}

    def _facts(self):
        return {
            "strip_accents": bool(self.do_lower_case if self.strip_accents is None else self.strip_accents),
            "tokenize_chinese_chars": self.tokenize_chinese_chars,
            "rules": self.rules.name,
            "max_word_chars": self.word_chars,
            "special_tokens": {
                role: token
                for role, token in self.special_tokens.items()
                if role in SPECIAL_TOKENS and token in self.ids
            },
            "added_tokens": [dataclasses.astuple(token) for token in sorted(self.whole_tokens, key=lambda one: one.id)],
            "second_segment_id": self.second_segment_id,
        }

    @functools.cached_property
    def _named(self):
        """Role -> token, of those that a file has to name: by the library's rules what is named is whole in texts."""
        whole = self.ids if self.rules is ORIGINAL else {token.content for token in self.added_tokens}
        return {role: token for role, token in self.special_tokens.items() if token in whole}

    @functools.cached_property
    def listed_tokens(self):
        """The AddedTokens as a file lists them, by id: the named special tokens of the vocabulary among them."""
        listed = {token.content: token for token in self.added_tokens}
        for token in self._named.values():
            listed.setdefault(token, AddedToken(token, self.ids[token], special=True, normalized=False))
        return sorted(listed.values(), key=lambda token: token.id)

    def to_config(self, model_max_length):
        """What tokenizer_config.json says of it, for `tokenizer_folder` beside this file and for `transformers`."""
        named = self._named
        extra = [token.content for token in self.added_tokens if token.special and token.content not in named.values()]
        # BertTokenizer would take another limit of characters, and name tokens that have no name here.
        by_json_alone = self.word_chars != self.rules.max_word_chars or (
            self.rules is not ORIGINAL
            and any(token in self.ids and role not in named for role, token in SPECIAL_TOKENS.items())
        )
        config = {
            "tokenizer_class": "PreTrainedTokenizerFast" if by_json_alone else "BertTokenizer",
            "do_lower_case": self.do_lower_case,
            "strip_accents": self.strip_accents,
            "tokenize_chinese_chars": self.tokenize_chinese_chars,
            "model_max_length": model_max_length,
            **named,
            "text_rules": self.rules.name,
        }
        if extra:
            config["additional_special_tokens"] = extra
        if self.split_special_tokens:
            config["split_special_tokens"] = True
        if by_json_alone or self.second_segment_id != 1:
            segments = ["token_type_ids"] if self.second_segment_id == 1 else []
            config["model_input_names"] = ["input_ids", *segments, "attention_mask"]
        return config
