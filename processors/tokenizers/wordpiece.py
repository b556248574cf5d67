"""BERT's tokenizer: WordPiece exactly as in the original, or as `transformers` has it.

Source: google-research/bert, tokenization.py, class FullTokenizer.
"""

import hashlib
import json
import os

from bertline import registry
from bertline.common.files import replace_file
from bertline.errors import InputError
from bertline.processors.files import text_files
from bertline.processors.tokenizers.folder import tokenizer_json
from bertline.processors.tokenizers.folder.added_tokens import AddedTokens
from bertline.processors.tokenizers.folder.special_tokens import SPECIAL_TOKENS
from bertline.processors.tokenizers.folder.tokenizer_folder import CONFIG_NAME, VOCAB_NAME, TokenizerFolder
from bertline.processors.tokenizers.folder.tokenizer_settings import TokenizerSettings
from bertline.processors.tokenizers.rules.character_rules import ORIGINAL
from bertline.processors.tokenizers.rules.normalization import BasicTokenizer, FoldedCharacters
from bertline.processors.tokenizers.rules.wordpiece import BatchWordpiece, WordpieceTokenizer
from bertline.processors.tokenizers.tokenizer import MAX_LENGTH, Tokenizer, check_asked

_STANDS_FOR = {"end": "sep"}  # roles that BERT's vocabularies have no token of their own for


@registry.register("tokenizer", "wordpiece")
class FullTokenizer(Tokenizer):
    """BERT's tokenizer: words and punctuation marks, then word pieces.

    By the original's rules, which a vocabulary by itself has, `[MASK]` and the like inside a text are no special
    tokens: they become "[", "mask", "]". In a folder of Hugging Face's they are, and texts become what `transformers`
    makes of them. A lone surrogate stays in its word, which is then [UNK], as in the original.

    Attributes: beside those of all tokenizers,
      settings: TokenizerSettings.
      do_lower_case: bool; True also strips accents, unless the settings say otherwise.
      pad_id: 0 where there is no [PAD], as in the original.
    """

    order = 100
    kind = "wordpiece"
    said_as = f"{VOCAB_NAME}, {tokenizer_json.NAME}"
    file_names = ("vocab.txt", "tokenizer.json")
    cuts_words = can_grow = True
    word_unit = "words and punctuation marks"

    def __init__(self, vocab_file, do_lower_case=True, settings=None):
        """`settings`: TokenizerSettings, which say everything; by default the original's, with the file's lines.

        Raises:
          InputError: the file is missing, empty, no UTF-8 text, or lacks [UNK], [CLS] or [SEP].
        """
        if settings is None:
            lines = tuple(line.strip() for line in text_files.read_lines(vocab_file))
            settings = TokenizerSettings(lines, bool(do_lower_case))
        self.settings, self.vocab_file = settings, os.fspath(vocab_file)
        self.vocab = settings.ids
        # Where a line occurs twice, both ids have it.
        self.inv_vocab = dict(enumerate(settings.tokens)) | {token.id: token.content for token in settings.added_tokens}
        self.vocab_size = max(self.inv_vocab) + 1
        self.do_lower_case, self.second_segment_id = settings.do_lower_case, settings.second_segment_id
        self.model_max_length = settings.model_max_length
        for role in ("cls", "sep", "unk"):
            self.special_id(role)
        self.basic_tokenizer = BasicTokenizer(
            settings.do_lower_case, settings.strip_accents, settings.tokenize_chinese_chars, settings.rules
        )
        unknown = settings.special_tokens["unk_token"]
        self.wordpiece_tokenizer = WordpieceTokenizer(settings.base_ids, unknown, settings.word_chars)
        added = AddedTokens(settings.whole_tokens, self.basic_tokenizer) if settings.whole_tokens else None
        self.added_tokens = added
        self._folded = FoldedCharacters(self.basic_tokenizer)
        self._batch = BatchWordpiece(self.basic_tokenizer, self.wordpiece_tokenizer, added)

    @staticmethod
    def fits(path, names):
        """A vocab.txt or tokenizer.json in a folder; any file by itself that no other kind knows."""
        return names is None or VOCAB_NAME in names or tokenizer_json.NAME in names

    @classmethod
    def load(cls, path, names, do_lower_case=None):
        """See Tokenizer; `processors.tokenizers.folder.tokenizer_folder` tells which settings of a folder are honoured.

        Raises:
          InputError: a casing that contradicts the saved one (or the vocabulary, where none is saved), or saved
            settings that BERT's tokenizer does not have.
        """
        if names is not None:
            path = os.path.join(path, VOCAB_NAME if VOCAB_NAME in names else tokenizer_json.NAME)
        name = os.path.basename(path)
        found = TokenizerFolder(os.path.dirname(path), VOCAB_NAME if name == tokenizer_json.NAME else name)
        if names is None and name == VOCAB_NAME and found.differing_line:
            raise InputError(
                f"{path}:{found.differing_line}: another token than in {tokenizer_json.NAME} beside it; name the one "
                "that belongs to the model, and move the other away"
            )
        check_asked(found.config_file, found.do_lower_case, do_lower_case)
        casing_of_file = found.do_lower_case if found.do_lower_case is not None else do_lower_case
        if casing_of_file is None:
            # `transformers` lower-cases where no file says whether to.
            casing_of_file = found.rules is not ORIGINAL or casing(found.tokens) != "cased"
        tokenizer = cls(found.vocab_file, settings=found.settings(casing_of_file))
        if found.do_lower_case is None:
            tokenizer.check_casing()  # a saved casing is that of the weights, whatever the vocabulary looks like
        return tokenizer

    def special_names(self, role):
        role = f"{_STANDS_FOR.get(role, role)}_token"
        token = self.settings.special_tokens.get(role, SPECIAL_TOKENS.get(role))
        return () if token is None else (token,)

    def missing_token(self, role):
        [token] = self.special_names(role) or (f"token for {role!r}",)
        return InputError(
            f"{self.vocab_file}: no {token} among {self.vocab_size} tokens; a BERT vocabulary, one "
            "token a line with [UNK], [CLS] and [SEP], is needed"
        )

    @property
    def pad_id(self):
        return self.vocab.get(self.settings.special_tokens.get("pad_token"), 0)

    def tokenize(self, text):
        """Returns the tokens (str) of one text, without special tokens around it."""
        return self._batch.tokenize(text)

    def encode_batch(self, texts):
        """See Tokenizer; one C++ call."""
        return self._batch.encode(texts)

    def continuations(self):
        """Those that begin with "##"."""
        found = super().continuations()
        found[[i for i, token in self.inv_vocab.items() if token.startswith("##")]] = True
        return found

    def unknown_words(self, text):
        return [word for word in self.basic_tokenizer.tokenize(text) if self.holds_unknown(self.word_pieces(word))]

    def word_pieces(self, word):
        return self.wordpiece_tokenizer.tokenize(word)

    def holds_unknown(self, pieces):
        return pieces == [self.wordpiece_tokenizer.unk_token]

    def check_casing(self, do_lower_case=None):
        compare_casing(self.vocab_file, self.vocab, self.do_lower_case if do_lower_case is None else do_lower_case)

    def fold_character(self, character):
        return self._folded[character]

    def words_of(self, folded):
        return self.basic_tokenizer.tokenize(folded)

    def surface(self, token):
        """See Tokenizer; "##" marks pieces that continue a word."""
        if token == self.wordpiece_tokenizer.unk_token:
            return None
        return token[2:] if len(token) > 2 and token.startswith("##") else token

    def graph_form(self):
        from bertline.processors.tokenizers.graph.graph_wordpiece import GraphWordPiece

        return GraphWordPiece(self)

    def fingerprint(self):
        """A sha256, hex, of everything the ids depend on: kind, casing, vocabulary, what is not as in the original."""
        settings = self.settings.beyond_the_original()
        content = [self.kind, self.do_lower_case, self.settings.tokens, *([settings] if settings else [])]
        content = json.dumps(content, sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()

    def save(self, folder, model_max_length=None, vocab_name=VOCAB_NAME):
        """Writes vocab.txt, tokenizer.json and tokenizer_config.json into `folder`, as Hugging Face has them.

        tokenizer.json belongs to VOCAB_NAME and is written beside no other. `model_max_length`: by default the
        tokenizer's own, else 512.
        """
        with replace_file(os.path.join(folder, vocab_name)) as path, open(path, "wb") as file:
            file.writelines(token.replace("\n", " ").encode() + b"\n" for token in self.settings.tokens)
        if vocab_name == VOCAB_NAME:
            tokenizer_json.write(os.path.join(folder, tokenizer_json.NAME), self.settings)
        config = self.settings.to_config(model_max_length or self.model_max_length or MAX_LENGTH)
        with replace_file(os.path.join(folder, CONFIG_NAME)) as path, open(path, "w", encoding="utf-8") as file:
            json.dump(config, file, indent=2)


def casing(tokens):
    """What a vocabulary shows of its casing: "cased", "uncased" or None where it shows too little.

    Of the released ones, 39% of the cased vocabulary's tokens that have case at all hold an upper-case letter; of the
    uncased and of the Chinese one, none does. Bracketed tokens ([CLS], <S>) do not count.
    """
    with_case = [token for token in tokens if token.lower() != token.upper() and not _is_bracketed(token)]
    upper = sum(token != token.lower() for token in with_case)
    if upper and upper >= 0.05 * len(with_case):
        return "cased"
    return "uncased" if not upper and len(with_case) >= 26 else None


def _is_bracketed(token):
    return token.removeprefix("##")[:1] in ("[", "<") and token[-1:] in ("]", ">")


def compare_casing(where, vocab, do_lower_case):
    """Compares a casing with what a vocabulary shows, in the spirit of the original's check of checkpoint names.

    Raises:
      InputError: lower-casing for a cased vocabulary, or none for an uncased one.
    """
    found = casing(vocab)
    if found is not None and do_lower_case != (found == "uncased"):
        upper = "has tokens with" if found == "cased" else "has no"
        raise InputError(
            f"{where}: the vocabulary is {found} ({upper} upper-case letters), --do_lower_case="
            f"{do_lower_case} does not fit it; use --do_lower_case={not do_lower_case}"
        )
