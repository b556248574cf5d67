"""predictions.html: the predicted spans of sentences in colour, beside the right ones where they are known."""

import html

from bertline.common import html_page
from bertline.processors.tagging.tag_spans import marks_spans, spans_in_text

MOST_SENTENCES = 2000  # a browser shows so many at once
HUES = (210, 25, 120, 285, 50, 175, 340, 85, 255, 0, 150, 310)

# Of a sentence on any page.
MARKS = """:root { --light: 88%; }
@media (prefers-color-scheme: dark) { :root { --light: 26%; } }
article h2 { font-size: .85rem; font-weight: 400; color: var(--quiet); line-height: 1.4; margin: .5rem 0; }
.sides { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); gap: 0 2rem; }
.sides > div { min-width: 0; }
article .text { line-height: 1.9; margin: 0; }
mark { border-radius: .3rem; padding: .1rem .25rem; background: hsl(var(--hue) 75% var(--light)); }
mark small { font-size: .7em; font-weight: 600; color: inherit; white-space: nowrap; margin-inline-start: .35em;
  user-select: none; }
mark.wrong { outline: 2px dashed var(--error); outline-offset: -1px; }
"""
_STYLE = f"""{MARKS}.legend mark {{ margin-inline-end: .5rem; white-space: nowrap; }}
"""


def page(answers, examples):
    """Yields the lines of the page, sentences with most errors first.

    Args:
      answers: predicted tags of each sentence, lists of str.
      examples: the TaggedWords, with a text; `label` is None where the right tags are not known.
    """
    as_spans = marks_spans(tag for tags in answers for tag in tags) or marks_spans(
        tag for example in examples for tag in example.label or ()
    )
    rows = [Row(example, tags, as_spans) for example, tags in zip(examples, answers)]
    order = sorted(rows, key=lambda row: -row.num_errors)
    hues = hues_of(rows)
    yield html_page.begin("Predicted tags", _STYLE)
    yield f"<p>{_summary(rows)}</p>"
    if as_spans:
        yield '<p class="legend">' + " ".join(_mark(hue, label) for label, hue in hues.items()) + "</p>"
    for row in order[:MOST_SENTENCES]:
        yield from row.lines(hues, as_spans)
    yield html_page.END


def _summary(rows):
    known = [row for row in rows if row.right is not None]
    shown = f"{len(rows):,} sentences"
    if known:
        wrong = sum(row.num_errors > 0 for row in known)
        shown += f", {wrong:,} of them with errors, which come first; a dashed line is around what is wrong"
    if len(rows) > MOST_SENTENCES:
        shown += f". The first {MOST_SENTENCES:,} are here; predictions.jsonl has all"
    return shown + "."


def hues_of(rows):
    """Label -> the hue of its marks, of all labels of some Rows."""
    labels = sorted({span["label"] for row in rows for span in [*row.predicted, *(row.right or ())]})
    return {label: HUES[i % len(HUES)] for i, label in enumerate(labels)}


class Row:
    """A sentence: its text, and what is right and what was predicted, as spans of its characters.

    Args:
      example: a TaggedWords with a text. tags: predicted ones.
      as_spans: whether tags mark spans; else each word is one.
    """

    def __init__(self, example, tags, as_spans):
        find = spans_in_text if as_spans else _words_as_spans
        self.example = example
        self.predicted = find(tags, example.offsets)
        self.right = None if example.label is None else find(example.label, example.offsets)
        self.missed = [one for one in self.right or () if one not in self.predicted]
        self.wrong = [one for one in self.predicted if one not in (self.right or ())] if self.right is not None else []
        self.num_errors = len(self.missed) + len(self.wrong)

    def lines(self, hues, as_spans):
        where = html.escape(str(self.example.source or self.example.guid))
        errors = f' <span class="error">errors: {self.num_errors}</span>' if self.num_errors else ""
        yield f'<article><p class="where">{where}{errors}</p>'
        yield from self.sides(hues, as_spans)
        yield "</article>"

    def sides(self, hues, as_spans):
        """Lines of what is right beside what was predicted; hues: of `hues_of`."""
        yield '<div class="sides">'
        if self.right is not None:
            yield self._side("gold", self.right, self.missed, hues, as_spans)
        yield self._side("predicted", self.predicted, self.wrong, hues, as_spans)
        yield "</div>"

    def _side(self, name, spans, errors, hues, as_spans):
        parts, place, text = [], 0, self.example.text
        for span in spans if as_spans else errors:
            parts.append(html.escape(text[place : span["start"]]))
            words = text[span["start"] : span["end"]]
            parts.append(_mark(hues[span["label"]], words, span["label"], span in errors))
            place = span["end"]
        parts.append(html.escape(text[place:]))
        return f'<div><h2>{name}</h2><p class="text" dir="auto">{"".join(parts)}</p></div>'


def _words_as_spans(tags, offsets):
    """Each word with its tag, of tags that mark no spans."""
    return [{"start": start, "end": end, "label": tag} for (start, end), tag in zip(offsets, tags)]


def _mark(hue, text, label=None, is_wrong=False):
    wrong = ' class="wrong"' if is_wrong else ""
    small = f"<small>{html.escape(label)}</small>" if label else ""
    return f'<mark{wrong} style="--hue: {hue}">{html.escape(text)}{small}</mark>'
