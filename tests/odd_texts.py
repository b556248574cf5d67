"""Texts for the tests of what serves a model: letters of the tiny vocabulary, and what breaks tokenizers."""

import numpy as np

ODD = [
    "",
    " ",
    "Füße & naïve café",
    "北京 a b",
    "a 🙂🙃 b",
    "zero\u200bwidth",
    "a\u0301e\u0300 c",
    "tab\tand\nline",
    "ＦＵＬＬ a",
    "\x00control\x07",
    "[CLS] [MASK] a",
    "x" * 300,
    "ab " * 100,
    "مرحبا a",
    "!!! ??? ...",
    "\u2028a\u2029",
    "ΑΣ ΣΑΣ",
    "İstanbul ŞI",
    "\ufeffa",
    "\U000e0061a",
    "\u1b44\u302e\u0301a",
]


def mixed_texts(count, seed=0):
    """Words of letters, of different number, and now and then something odd."""
    draw = np.random.default_rng(seed)
    words = [*"abcdefghijklmnop", "abc", "Fed", "bad", "é", "a,b", *(text[:20] for text in ODD)]
    return [" ".join(draw.choice(words, draw.integers(0, 40))) for _ in range(count)]
