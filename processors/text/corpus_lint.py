"""What a corpus will become, before it does: numbers, and warnings of the mistakes that people make with such files."""

import collections
import dataclasses
import itertools

import numpy as np

from bertline.processors.corpora.making import instance_making
from bertline.processors.text import paragraph_lines

# Of each block so many lines are looked at as text; all are counted as tokens.
LINES_SAMPLED = 200
UNKNOWN_WORDS_KEPT = 50_000
TOP_UNKNOWN = 10


@dataclasses.dataclass
class CorpusLint:
    """Sums over the blocks of a corpus; `add` each, then `report`.

    Args:
      tokenizer: see `bertline.processors.tokenization`.
      kind: what instances would be made by, an object of a kind of corpus data.
      unit: what a document is, see `bertline.processors.text.documents.UNITS`.
      num_files: int.
      splits_sentences: whether lines were cut into sentences.
    """

    tokenizer: object
    kind: object
    unit: str
    num_files: int
    splits_sentences: bool

    def __post_init__(self):
        self.counts = collections.Counter()
        self._unfinished = None  # [number, sentences, tokens] of a document that the next block may go on with
        self.document_sizes, self.document_tokens, self.sentence_tokens = (collections.Counter() for _ in range(3))
        self.unknown = collections.Counter()
        self.max_seq_length, self._of_lines = self.kind.max_seq_length, None
        self._room = self.kind.frame.room(self.max_seq_length, 1)

    def add(self, text_block, block):
        """Takes a TextBlock and its Block."""
        made, _ = instance_making.make_instances(block, 0, self.kind)
        if not self.splits_sentences and self._of_lines is None:
            self._of_lines = paragraph_lines.warning(text_block, block, self.tokenizer, self.kind)
        tokens = np.diff(block.sentence_splits)
        self.sentence_tokens.update(tokens.tolist())
        document_tokens = np.diff(block.sentence_splits[block.document_splits])
        self._add_documents(block.origins, np.diff(block.document_splits), document_tokens)
        self.counts.update(
            sentences=len(tokens),
            tokens=len(block.ids),
            empty=sum(map(len, text_block.documents)) - len(tokens),
            unknown=int((block.ids == self.tokenizer.unk_id).sum()),
            instances=len(made),
            kept=made.num_tokens,
            dropped=made.dropped_tokens,
        )
        if made.labels is not None:
            self.counts["labels_1"] += int(made.labels.sum())
            self.counts["labelled"] += len(made)
        texts = list(itertools.chain.from_iterable(text_block.documents))
        self._add_unknown(texts, block)
        for text in texts[:: max(1, len(texts) // LINES_SAMPLED)]:
            self.counts["letters"] += sum(char.isalpha() and char.lower() != char.upper() for char in text)
            self.counts["capitals"] += sum(map(str.isupper, text))
        self.counts["replacement_characters"] += sum(text.count("\ufffd") for text in texts)

    def _add_documents(self, *columns):
        """Sizes of whole documents, of which a block may have several parts."""
        for number, sentences_in, tokens in np.stack(columns, axis=1).tolist():
            if self._unfinished and self._unfinished[0] == number:
                self._unfinished[1] += sentences_in
                self._unfinished[2] += tokens
            else:
                self._finish_document()
                self._unfinished = [number, sentences_in, tokens]

    def _finish_document(self):
        if self._unfinished:
            _, sentences_in, tokens = self._unfinished
            self.counts["documents"] += 1
            self.document_sizes[sentences_in] += 1
            self.document_tokens[tokens] += 1
            self._unfinished = None

    def _add_unknown(self, texts, block):
        if len(texts) != len(block.sentence_splits) - 1:
            return  # lines without a token are rare; their block is not looked into
        tokens = np.flatnonzero(block.ids == self.tokenizer.unk_id)
        rows = np.unique(np.searchsorted(block.sentence_splits, tokens, side="right") - 1)
        for row in rows[:: max(1, len(rows) // LINES_SAMPLED)].tolist():
            self.unknown.update(self.tokenizer.unknown_words(texts[row]))
        if len(self.unknown) > UNKNOWN_WORDS_KEPT:
            self.unknown = collections.Counter(dict(self.unknown.most_common(UNKNOWN_WORDS_KEPT // 2)))

    def report(self):
        """Returns (rows of name and value, warnings), lists of (str, str) and of str."""
        self._finish_document()
        counts = self.counts
        share = collections.defaultdict(float)
        for name, part, whole in (
            ("unknown", "unknown", "tokens"),
            ("random", "labels_1", "labelled"),
            ("capitals", "capitals", "letters"),
        ):
            share[name] = counts[part] / max(counts[whole], 1)
        share["dropped"] = counts["dropped"] / max(counts["dropped"] + counts["kept"], 1)
        share["single"] = self.document_sizes[1] / max(counts["documents"], 1)
        too_long = sum(n for size, n in self.sentence_tokens.items() if size > self._room)
        share["too_long"] = too_long / max(counts["sentences"], 1)
        times = self.kind.dupe_factor
        rows = [
            ("documents", f"{counts['documents']:,}"),
            ("sentences per document", _spread(self.document_sizes)),
            ("documents of one sentence", f"{share['single']:.1%}"),
            ("tokens per document", _spread(self.document_tokens)),
            ("tokens per sentence", _spread(self.sentence_tokens)),
            (f"sentences above {self._room} tokens", f"{share['too_long']:.1%}"),
            ("tokens", f"{counts['tokens']:,}"),
            ("unknown tokens", f"{share['unknown']:.3%}"),
            ("instances", f"{counts['instances'] * times:,} ({times} times through the corpus)"),
            ("cut off to keep the length", f"{share['dropped']:.1%} of the tokens of instances"),
        ]
        if self.unknown:
            words = " ".join(word for word, _ in self.unknown.most_common(TOP_UNKNOWN))
            rows.insert(8, ("most frequent unknown words", words))
        if counts["labelled"]:
            rows.append(("random or swapped pairs", f"{share['random']:.1%}"))
        return rows, self._warnings(share)

    def _warnings(self, share):
        documents, found = self.counts["documents"], []
        if not self.counts["tokens"]:
            return ["there is no text with a token"]
        if share["single"] > 0.5 and self.unit.startswith("blank_line") and not self.splits_sentences:
            found.append(
                f"{share['single']:.0%} of the documents have one sentence: is there a blank line after every "
                "sentence? Blank lines are for ends of documents; --documents=file takes no notice of them"
            )
        elif share["single"] > 0.5 and self.unit == "line" and not self.splits_sentences:
            found.append("documents of one line are of one sentence: --split_sentences makes several of it")
        if one_document := documents_warning(documents, self.num_files, self.unit):
            found.append(one_document)
        if self._of_lines:
            found.append(self._of_lines)
        if share["too_long"] > 0.05:
            found.append(
                f"{share['too_long']:.0%} of the sentences are longer than --max_seq_length={self.max_seq_length} "
                "and are cut; shorter sentences or a larger length lose less"
            )
        if share["unknown"] > 0.02:
            found.append(
                f"{share['unknown']:.1%} of the tokens are unknown: does the vocabulary fit the text's language?"
            )
        if not self.tokenizer.do_lower_case and self.counts["letters"] > 1000 and share["capitals"] < 0.002:
            found.append(
                "the text has no upper-case letters, the vocabulary is cased: an uncased vocabulary fits it better"
            )
        if self.counts["letters"] > 1000 and share["capitals"] > 0.9 and not self.tokenizer.do_lower_case:
            found.append("the text is in capitals, which a cased vocabulary has few words for")
        if self.counts["replacement_characters"]:
            found.append(
                f"{self.counts['replacement_characters']} replacement characters (U+FFFD): the text was damaged when "
                "it was converted to UTF-8"
            )
        if self.counts["empty"]:
            found.append(f"{self.counts['empty']} lines without a token (control characters only) are left out")
        return found


def documents_warning(documents, num_files, unit):
    """What is said of a corpus of so few documents, or None."""
    if documents < num_files and unit == "blank_line":
        return (
            f"{documents} document(s) in {num_files} files: only blank lines end a document, so it goes on in the next "
            "file; --documents=blank_line_or_file ends it with its file, --documents=file makes each file one"
        )
    if documents == 1:
        return "one single document: random next sentences come from itself, and most are hard to tell"
    if documents <= num_files and unit.startswith("blank_line"):
        return "no blank line inside a file: each file is one document; are blank lines missing between documents?"
    return None


def _spread(histogram):
    """Mean, median, 9th decile and maximum of a Counter value -> how many."""
    if not histogram:
        return "none"
    values = np.array(sorted(histogram))
    numbers = np.array([histogram[value] for value in values.tolist()])
    cumulated = np.cumsum(numbers) / numbers.sum()
    middle, high = (int(values[np.searchsorted(cumulated, quantile)]) for quantile in (0.5, 0.9))
    mean = (values * numbers).sum() / numbers.sum()
    return f"mean {mean:,.1f}, median {middle:,}, 90% up to {high:,}, longest {values[-1]:,}"
