"""Letters, Chinese ones too, as the tokens of tests, and what remains of too many of them by plain slices."""

from bertline.processors.tokenization import FullTokenizer

WORDS = tuple("abcdefghij北京大学生")
PLAIN = {
    "head": lambda tokens, kept: tokens[:kept],
    "tail": lambda tokens, kept: tokens[len(tokens) - kept :],
    "head_tail": lambda tokens, kept: tokens[: -(-kept // 4)] + tokens[len(tokens) - (kept - -(-kept // 4)) :],
}


def letters(path):
    """A tokenizer whose words are WORDS; writes its vocabulary."""
    path.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]) + "\n", encoding="utf-8")
    return FullTokenizer(path)
