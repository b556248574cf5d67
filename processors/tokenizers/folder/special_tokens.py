"""Special and added tokens as Hugging Face's files list them, with the ids that the library `tokenizers` gives them."""

import dataclasses
import json

from bertline.errors import InputError
from bertline.processors.tokenizers.folder.added_tokens import AddedToken

# What a special token is for -> its name in BERT's vocabularies. The keys are those of Hugging Face's files.
SPECIAL_TOKENS = {
    "unk_token": "[UNK]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "mask_token": "[MASK]",
}
_ORDER = ("bos_token", "eos_token", *SPECIAL_TOKENS)  # in which they get ids


def added_token(where, entry, number, special=False):
    """The AddedToken of an entry, a str or an object.

    Args:
      where: how an error begins.
      entry: of one of the files.
      number: its id.
      special: whether it is one where the entry does not say so.

    Raises:
      InputError: the entry is something else.
    """
    if isinstance(entry, str):
        return AddedToken(entry, number, special, normalized=not special)
    if not isinstance(entry, dict) or not isinstance(entry.get("content"), str) or type(number) is not int:
        raise InputError(f"{where}: {json.dumps(entry)[:60]} is no added token; copy the file again")
    special = bool(entry.get("special", special))
    flags = {name: bool(entry[name]) for name in ("normalized", "single_word", "lstrip", "rstrip") if name in entry}
    return AddedToken(entry["content"], number, special, **{"normalized": not special, **flags})


class SpecialTokens:
    """The special and added tokens of a vocabulary.

    Args:
      where: how an error begins.
      tokens: the vocabulary by id.
      declared: list of AddedToken, those that a file lists with their ids.
      named: role (`cls_token`, any `*_token`) -> entry.
      extra: entries of further special tokens.

    Attributes:
      roles: role -> token.
      added: tuple of AddedToken.

    Raises:
      InputError: a token has another id than the library would give it, which is the next free one.
    """

    def __init__(self, where, tokens, declared, named, extra):
        self._where = where
        self._ids = dict(zip(tokens, range(len(tokens))))
        self._found, self._size = {}, len(self._ids)
        tokens_of = {role: added_token(where, named[role], 0, special=True) for role in _sort(named)}
        self.roles = {role: token.content for role, token in tokens_of.items()}
        for token in sorted(declared, key=lambda token: token.id):
            special = token.special or token.content in self.roles.values()
            self._add(dataclasses.replace(token, special=special), token.id)
        for token in [*tokens_of.values(), *(added_token(where, entry, 0, special=True) for entry in extra)]:
            self._add(token)
        # One of BERT's own that no file gives an id, as [MASK]: the model has no row for it.
        listed = self._ids.keys() | {token.content for token in declared}
        unused = {self.roles.get(role) for role in SPECIAL_TOKENS} - listed
        self.added = tuple(token for token in self._found.values() if token.content not in unused)

    def _add(self, token, declared_id=None):
        if token.content in self._found or not token.content:
            return
        number = self._ids.get(token.content)
        if number is None:
            number = max([self._size, *(other.id + 1 for other in self._found.values())])
        if declared_id is not None and declared_id != number:
            raise InputError(
                f"{self._where}: the added token {token.content!r} has id {declared_id}, the next free one of "
                f"{len(self._ids)} tokens is {number}; the files belong to different vocabularies"
            )
        self._found[token.content] = dataclasses.replace(token, id=number)


def _sort(named):
    return [role for role in _ORDER if role in named] + [role for role in named if role not in _ORDER]
