"""tokenizer.json, the one file of the library `tokenizers`: read where it holds BERT's WordPiece, and written.

Source: the format that the library itself writes (version 1.0).
"""

import dataclasses
import json

from bertline.common import json_files
from bertline.common.files import replace_file
from bertline.errors import InputError
from bertline.processors.tokenizers.folder.added_tokens import AddedToken
from bertline.processors.tokenizers.folder.special_tokens import added_token

NAME = "tokenizer.json"
_MODELS = {
    "BPE": "a byte-pair tokenizer (BPE), as of RoBERTa, GPT or Llama",
    "Unigram": "a Unigram tokenizer, as of XLM-RoBERTa, T5 or ALBERT",
    "WordLevel": "a tokenizer of whole words (WordLevel)",
}
_GAP = "[no token "
_LONGEST_GAPS = 1000  # ids without a token; more of them are a damaged file, not a vocabulary


@dataclasses.dataclass(frozen=True)
class TokenizerJson:
    """What a tokenizer.json says.

    Attributes:
      path: str.
      tokens: tuple of str by id, without the added ones; an id without a token has a name that no text can hold.
      unk_token: str. max_word_chars: int.
      added_tokens: list of AddedToken.
      clean_text, tokenize_chinese_chars, do_lower_case: bool. strip_accents: bool or None.
      post_processor: dict; {}: none.
      truncates_left: bool.
    """

    path: str
    tokens: tuple[str, ...]
    unk_token: str
    max_word_chars: int
    added_tokens: list[AddedToken]
    clean_text: bool
    tokenize_chinese_chars: bool
    strip_accents: bool | None
    do_lower_case: bool
    post_processor: dict
    truncates_left: bool

    def around_texts(self):
        """`cls_token` and `sep_token` -> the tokens that the file puts around texts, as BERT does.

        Raises:
          InputError: it puts something else around texts.
        """
        try:
            found = _around_texts(self.post_processor)
        except (KeyError, IndexError, TypeError, AttributeError):
            found = None
        if found is None:
            kind = self.post_processor.get("type", "null")
            raise InputError(
                f"{self.path}: post_processor ({kind}) does not make [CLS] a [SEP] b [SEP] with segments 0 and 1; this "
                "model needs another tokenizer"
            )
        return found


def read(path):
    """The TokenizerJson of a file.

    Raises:
      InputError: no JSON, another kind of tokenizer, or a setting that BERT's tokenizer does not have; it is named.
    """
    return read_as(_parse, path)


def read_as(parse, path):
    """`parse(path, content)` of a tokenizer.json. Raises InputError for a damaged one."""
    content = json_files.read(path)
    try:
        return parse(path, content)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise InputError(f"{path}: not as the library tokenizers writes it ({reason}); copy the file again") from error


def _parse(path, content):
    model = content["model"]
    _check_model(path, model)
    normalizer = _only(content.get("normalizer"), "normalizers")
    _check_type(path, "normalizer", normalizer, "BertNormalizer")
    _check_type(path, "pre_tokenizer", _only(content.get("pre_tokenizer"), "pretokenizers"), "BertPreTokenizer")
    accents = normalizer.get("strip_accents")
    return TokenizerJson(
        path=path,
        tokens=_by_id(path, model["vocab"]),
        unk_token=_of_type(model.get("unk_token", "[UNK]"), str, "unk_token"),
        max_word_chars=_of_type(model.get("max_input_chars_per_word", 100), int, "max_input_chars_per_word"),
        added_tokens=[added_token(path, entry, entry["id"]) for entry in content.get("added_tokens") or ()],
        clean_text=_of_type(normalizer.get("clean_text", True), bool, "clean_text"),
        tokenize_chinese_chars=_of_type(normalizer.get("handle_chinese_chars", True), bool, "handle_chinese_chars"),
        strip_accents=None if accents is None else _of_type(accents, bool, "strip_accents"),
        do_lower_case=_of_type(normalizer.get("lowercase", True), bool, "lowercase"),
        post_processor=_of_type(content.get("post_processor") or {}, dict, "post_processor"),
        truncates_left=(content.get("truncation") or {}).get("direction", "Right").lower() == "left",
    )


def _check_model(path, model):
    kind = model.get("type") or _guess_kind(model)
    if kind != "WordPiece":
        what = _MODELS.get(kind, f"a tokenizer of the kind {kind!r}")
        raise InputError(f"{path}: {what}; WordPiece, as of BERT, is read, and SentencePiece from its own spiece.model")
    prefix = model.get("continuing_subword_prefix", "##")
    if prefix != "##":
        raise InputError(f"{path}: continuing_subword_prefix is {prefix!r}; '##' is needed, as BERT has it")


def _guess_kind(model):
    """Old files do not name the kind."""
    if "merges" in model:
        return "BPE"
    return "Unigram" if isinstance(model.get("vocab"), list) else "WordPiece"


def _only(step, inner):
    """A step, or the one step in a sequence."""
    if step and step.get("type") == "Sequence" and len(step[inner]) == 1:
        return step[inner][0]
    return step


def _check_type(path, name, step, wanted):
    kind = (step or {}).get("type", "null")
    if kind != wanted:
        raise InputError(f"{path}: {name} is {kind}, BERT's is {wanted}; this model needs another tokenizer")


def _of_type(value, kind, name):
    if not isinstance(value, kind) or isinstance(value, bool) is not (kind is bool):
        raise ValueError(f"{name} is {json.dumps(value)[:40]}")
    return value


def _by_id(path, vocabulary):
    if isinstance(vocabulary, list):
        vocabulary = {token: i for i, token in enumerate(vocabulary)}
    ids = vocabulary.values()
    if set(map(type, ids)) != {int} or min(ids) < 0:
        raise ValueError("model.vocab is no object of tokens and their ids")
    "".join(vocabulary).encode()  # a lone surrogate has no UTF-8
    size = max(ids) + 1
    if len(set(ids)) < len(vocabulary) or size > len(vocabulary) + _LONGEST_GAPS:
        raise ValueError(f"the ids of model.vocab are not {len(vocabulary)} different ones from 0 on")
    tokens = [None] * size
    for token, i in vocabulary.items():
        tokens[i] = token
    if size > len(vocabulary):
        tokens = [f"{_GAP}{i}]" if token is None else token for i, token in enumerate(tokens)]
    return tuple(tokens)


def is_gap(token):
    """Whether a token of TokenizerJson stands for an id that has none."""
    return token.startswith(_GAP)


def _around_texts(post_processor):
    """Role -> token where it is BERT's way, else None."""
    kind = post_processor.get("type")
    if kind == "BertProcessing":
        return {"cls_token": post_processor["cls"][0], "sep_token": post_processor["sep"][0]}
    if kind != "TemplateProcessing":
        return None
    single, pair = (_template(post_processor.get(name) or ()) for name in ("single", "pair"))
    if len(single) != 3 or single[1] != ("A", 0):
        return None
    cls, sep = single[0][0], single[2][0]
    expected = [(cls, 0), ("A", 0), (sep, 0), ("B", 1), (sep, 1)]
    if single != expected[:3] or pair != expected or {cls, sep} & {"A", "B"}:
        return None
    specials = post_processor.get("special_tokens") or {}
    if any(specials.get(token, {}).get("tokens") != [token] for token in (cls, sep)):
        return None
    return {"cls_token": cls, "sep_token": sep}


def _template(pieces):
    return [(each["id"], each["type_id"]) for piece in pieces for each in piece.values()]


def write(path, settings):
    """Writes TokenizerSettings as tokenizer.json.

    By the original's rules long words and a few characters are split in another way than by the library, and special
    tokens in a text are no words of it; that cannot be said in the file.
    """
    ids = settings.ids
    cls, sep = settings.special_tokens["cls_token"], settings.special_tokens["sep_token"]
    around = [_special(cls, 0), {"Sequence": {"id": "A", "type_id": 0}}, _special(sep, 0)]
    content = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": list(map(_entry, settings.listed_tokens)),
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": settings.tokenize_chinese_chars,
            "strip_accents": settings.strip_accents,
            "lowercase": settings.do_lower_case,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": around,
            "pair": [*around, {"Sequence": {"id": "B", "type_id": 1}}, _special(sep, 1)],
            "special_tokens": {token: {"id": token, "ids": [ids[token]], "tokens": [token]} for token in (cls, sep)},
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece",
            "unk_token": settings.special_tokens["unk_token"],
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": settings.word_chars,
            "vocab": {token: i for token, i in settings.base_ids.items() if not is_gap(token)},
        },
    }
    with replace_file(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=1)
        file.write("\n")


def _special(token, segment):
    return {"SpecialToken": {"id": token, "type_id": segment}}


def _entry(token):
    entry = dataclasses.asdict(token)
    return {"id": entry.pop("id"), **entry}
