"""Made-up sentences whose label is the colour that one of their words is a shade of."""

import random

WORDS = {
    "red": "scarlet crimson ruby".split(),
    "green": "emerald olive lime".split(),
    "blue": "navy azure cobalt".split(),
}
FILLERS = "the a wall door box bag paint on near with old new small big is was".split()


def sentences(count, seed, pair=False):
    """(text_a, text_b or None, label): the label is the colour whose shade is named."""
    rng = random.Random(seed)
    labels = sorted(WORDS)
    rows = []
    for i in range(count):
        label = labels[i % 3]
        words = rng.choices(FILLERS, k=rng.randint(1, 6))
        for shade in rng.choices(WORDS[label], k=2):
            words.insert(rng.randrange(len(words) + 1), shade)
        other = " ".join(rng.choices(FILLERS, k=rng.randint(1, 3))) if pair else None
        rows.append((" ".join(words), other, label))
    rng.shuffle(rows)
    return rows


def write_table(path, rows):
    path.write_text("".join("\t".join(str(cell) for cell in row) + "\n" for row in rows), encoding="utf-8")
