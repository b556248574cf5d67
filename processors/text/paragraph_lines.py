"""Lines of a corpus that hold several sentences each, where one sentence a line is read: what is lost by it."""

import itertools

import numpy as np

from bertline.processors.corpora.making import instance_making
from bertline.processors.text import documents, sentences

# Of each block so many lines are looked at, and so much of each: a whole corpus may be one line.
LINES_SAMPLED, CHARACTERS_SAMPLED = 200, 20_000
SENTENCES_IN_LINE = 1.5  # on average, from which on lines look like paragraphs


def warning(text_block, block, tokenizer, kind):
    """What --split_sentences would change, str; None where lines look like sentences, or it would change little.

    Args:
      text_block, block: a part of the corpus as text and as ids, read without --split_sentences.
      tokenizer, kind: what instances are made with.
    """
    lines = list(itertools.chain.from_iterable(text_block.documents))
    sampled = lines[:: max(1, len(lines) // LINES_SAMPLED)]
    in_line = np.mean([_num_sentences(line) for line in sampled]) if sampled else 0.0
    if in_line <= SENTENCES_IN_LINE:
        return None
    split = [sentences.split_paragraph(document) for document in text_block.documents]
    split = instance_making.tokenize_block(documents.TextBlock(block.number, split, text_block.origins), tokenizer)
    now, then = (instance_making.make_instances(one, 0, kind)[0] for one in (block, split))
    if len(then) < 1.1 * len(now) and _share_cut(now) < _share_cut(then) + 0.05:
        return None
    size = sum(map(documents.num_bytes, lines))
    return (
        f"a line holds {in_line:,.1f} sentences on average: lines look like paragraphs. --split_sentences finds the "
        f"sentences in them: {len(then):,} instances instead of {len(now):,} in the {size:,} bytes looked at, "
        f"{_share_cut(then):.0%} of their tokens cut off instead of {_share_cut(now):.0%}"
    )


def _num_sentences(line):
    """Of a line of which only the beginning is looked at, as many as the whole would have at that rate."""
    start = line[:CHARACTERS_SAMPLED]
    return len(sentences.split_text(start)) * len(line) / len(start)


def _share_cut(made):
    """Tokens that were cut off to keep the length, as a share of those that instances were made of."""
    return made.dropped_tokens / max(1, made.num_tokens + made.dropped_tokens)
