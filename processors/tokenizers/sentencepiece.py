"""SentencePiece with the interface of FullTokenizer, and the text preparation of ALBERT and XLNet.

Source: the definitions in google-research/albert, tokenization.py, and zihangdai/xlnet, prepro_utils.py.
"""

import hashlib
import itertools
import json
import os
import unicodedata

from bertline import registry
from bertline.common.files import replace_file
from bertline.errors import InputError
from bertline.processors.tokenizers.folder.sentence_piece_folder import SentencePieceFolder
from bertline.processors.tokenizers.folder.tokenizer_folder import VOCAB_NAME
from bertline.processors.tokenizers.rules.normalization import convert_to_unicode, is_cjk
from bertline.processors.tokenizers.tokenizer import MAX_LENGTH, Tokenizer, check_asked, join_rows

_SPECIAL = {
    "cls": ("[CLS]", "<cls>"),
    "sep": ("[SEP]", "<sep>"),
    "end": ("[SEP]", "<sep>"),
    "pad": ("<pad>", "[PAD]"),
    "mask": ("[MASK]", "<mask>"),
}
UNDERLINE = "\u2581"  # SentencePiece's mark of a word's beginning


def _is_number_with_comma(piece):
    return len(piece) > 1 and piece[-1] == "," and piece[-2].isdigit()


def prepare_text(text, do_lower_case, keep_accents):
    """What a model is trained on and gets to see: white space as one blank, quotation marks, accents, casing."""
    text = " ".join(convert_to_unicode(text).split()).replace("``", '"').replace("''", '"')
    if not keep_accents:
        text = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    if do_lower_case:
        text = text.lower()
    return text if text.isascii() else text.encode("utf-8", "ignore").decode()


def _decompose(text):
    return "".join(unicodedata.normalize("NFKD", text).split())


@registry.register("tokenizer", "sentencepiece")
class SentencePieceTokenizer(Tokenizer):
    """Pieces of a SentencePiece model. A lone surrogate, which has no UTF-8, is dropped from a text.

    Attributes: beside those of all tokenizers,
      model: bytes of the model's file.
      do_lower_case, keep_accents: the preparation. ALBERT v2 is (True, False), XLNet (False, False).
      pad_id: that of <unk> where there is none.
    """

    order = 60
    kind = "sentencepiece"
    said_as = "*.model"
    file_names = ("spiece.model", "spm.model")
    word_unit = "words with their punctuation"

    def __init__(self, model_file, do_lower_case=False, keep_accents=None, model_max_length=None):
        """`keep_accents` None: accents go where the case goes. `model_max_length`: see the attributes.

        Raises:
          InputError: no such file, no SentencePiece model, or no [CLS], [SEP] (or <cls>, <sep>) in it.
        """
        import sentencepiece

        if not os.path.isfile(model_file):
            raise InputError(f"{model_file}: no such file; a SentencePiece model (*.model) is needed")
        with open(model_file, "rb") as file:
            self.model = file.read()
        try:
            self._processor = sentencepiece.SentencePieceProcessor(model_proto=self.model)
        except RuntimeError as error:
            raise InputError(
                f"{model_file}: not a SentencePiece model ({error}); give the .model file, not the .vocab list"
            ) from None
        self.do_lower_case = do_lower_case
        self.keep_accents = (not do_lower_case) if keep_accents is None else keep_accents
        self.vocab_size = self._processor.get_piece_size()
        try:
            self.inv_vocab = {i: self._processor.id_to_piece(i) for i in range(self.vocab_size)}
        except UnicodeDecodeError as error:
            raise InputError(f"{model_file}: a piece is not UTF-8 ({error.reason}); copy the file again") from None
        self.vocab = {piece: i for i, piece in self.inv_vocab.items()}
        self.vocab_file, self.model_max_length = os.fspath(model_file), model_max_length
        for role in ("cls", "sep"):
            self.special_id(role)
        # Whatever is unknown may be a number with a comma, too.
        self._ids_to_look_into = {i for piece, i in self.vocab.items() if _is_number_with_comma(piece)} | {self.unk_id}

    @staticmethod
    def fits(path, names):
        """A *.model; in a folder vocab.txt comes first."""
        if names is None:
            return path.endswith(".model")
        return VOCAB_NAME not in names and any(name.endswith(".model") for name in names)

    @classmethod
    def load(cls, path, names, do_lower_case=None):
        if names is not None:
            models = sorted(name for name in names if name.endswith(".model"))
            path = os.path.join(path, next((name for name in cls.file_names[:1] if name in names), models[0]))
        found = SentencePieceFolder(os.path.dirname(path))
        check_asked(found.config_file, found.do_lower_case, do_lower_case)
        lower = do_lower_case if found.do_lower_case is None else found.do_lower_case
        tokenizer = cls(path, bool(lower), found.keep_accents, found.model_max_length)
        found.check_added_tokens(tokenizer.vocab)
        return tokenizer

    def special_names(self, role):
        return _SPECIAL.get(role, ())

    def missing_token(self, role):
        names = self.special_names(role) or (f"for {role!r}",)
        return InputError(
            f"{self.vocab_file}: no piece {' or '.join(names)} among {self.vocab_size}; train the model with "
            f"--control_symbols={names[0]}"
        )

    @property
    def unk_id(self):
        return self._processor.unk_id()

    @property
    def pad_id(self):
        return next((self.vocab[name] for name in self.special_names("pad") if name in self.vocab), self.unk_id)

    def _prepare(self, text):
        return prepare_text(text, self.do_lower_case, self.keep_accents)

    def _split_number(self, piece):
        """ALBERT and XLNet: a comma that ends a piece after a digit is a piece of its own."""
        parts = self._processor.encode(piece[:-1].replace(UNDERLINE, ""), out_type=str)
        if piece[0] != UNDERLINE and parts and parts[0][0] == UNDERLINE:
            parts = parts[1:] if len(parts[0]) == 1 else [parts[0][1:], *parts[1:]]
        return [*parts, piece[-1]]

    def tokenize(self, text):
        """Returns the pieces (str) of one text, without special pieces."""
        pieces = self._processor.encode(self._prepare(text), out_type=str)
        return list(
            itertools.chain.from_iterable(
                self._split_number(piece) if _is_number_with_comma(piece) else [piece] for piece in pieces
            )
        )

    def convert_tokens_to_ids(self, tokens):
        """Ids (list of int); a token outside the model has unk_id."""
        return self._processor.piece_to_id(list(tokens))

    def encode_batch(self, texts):
        rows = self._processor.encode([self._prepare(text) for text in texts], num_threads=1) if texts else []
        for i, row in enumerate(rows):
            if not self._ids_to_look_into.isdisjoint(row):
                rows[i] = self.convert_tokens_to_ids(self.tokenize(texts[i]))
        return join_rows(rows)

    def fold_character(self, character):
        return _decompose(prepare_text(character, self.do_lower_case, self.keep_accents))

    def surface(self, token):
        """See Tokenizer. The model composes and replaces characters by itself; decomposed ones can be compared."""
        return None if token == self.inv_vocab[self.unk_id] else _decompose(token.replace(UNDERLINE, ""))

    def continuations(self):
        """SentencePiece marks beginnings, and cuts off punctuation without a mark.

        A piece of letters and digits without the mark continues a word, unless it is an ideograph.
        """
        found = super().continuations()
        for i, piece in self.inv_vocab.items():
            found[i] = piece.isalnum() and not any(map(is_cjk, piece))
        return found

    def graph_form(self):
        from bertline.processors.tokenizers.graph.graph_sentence_pieces import GraphSentencePieces

        return GraphSentencePieces(self)

    def _settings(self):
        return {
            "tokenizer_class": "AlbertTokenizer",
            "do_lower_case": self.do_lower_case,
            "keep_accents": self.keep_accents,
        }

    def fingerprint(self):
        """A sha256, hex, of everything the ids depend on."""
        digest = hashlib.sha256(json.dumps([self.kind, self._settings()], sort_keys=True).encode())
        digest.update(self.model)
        return digest.hexdigest()

    def save(self, folder, model_max_length=None, model_name="spiece.model"):
        """Writes the model and tokenizer_config.json into `folder`, in Hugging Face's layout.

        `model_max_length`: by default the tokenizer's own, else 512.
        """
        with replace_file(os.path.join(folder, model_name)) as path, open(path, "wb") as file:
            file.write(self.model)
        with (
            replace_file(os.path.join(folder, "tokenizer_config.json")) as path,
            open(path, "w", encoding="utf-8") as file,
        ):
            length = model_max_length or self.model_max_length or MAX_LENGTH
            json.dump({**self._settings(), "model_max_length": length}, file, indent=2)
