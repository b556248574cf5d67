"""predictions.html: questions with their answers marked in the context, right ones beside predicted ones."""

import html

from bertline.common import html_page

MOST_QUESTIONS = 1000  # a browser shows so many at once
MOST_CHARACTERS = 700  # of a context, around its answers
SHOWN_CANDIDATES = 5

# Of a question on any page.
MARKS = """:root { --mark: #cfe3fb; --right: #1a7f37; }
@media (prefers-color-scheme: dark) { :root { --mark: #1f4468; --right: #6fd08c; } }
article h2 { font-size: 1rem; margin: .25rem 0; overflow-wrap: anywhere; }
mark { background: none; border-radius: .2rem; }
.predicted { background: var(--mark); }
.gold { border-bottom: 3px solid var(--right); }
"""
_STYLE = MARKS + "body { max-width: 60rem; }\n"
LEGEND = '<p><mark class="predicted">predicted</mark> &nbsp; <mark class="gold">right</mark></p>'


def page(answers, examples):
    """Yields the lines of the page, wrong answers first.

    Args:
      answers: processors.labels.spans.SpanAnswer of each question.
      examples: the Questions; `label` is None where the right answers are not known.
    """
    rows = list(zip(examples, answers))
    wrong = [row for row in rows if is_wrong(*row)]
    right = [row for row in rows if not is_wrong(*row)]
    yield html_page.begin("Predicted answers", _STYLE)
    yield f"<p>{_summary(rows, wrong)}</p>"
    yield LEGEND
    for example, answer in [*wrong, *right][:MOST_QUESTIONS]:
        yield from article(example, answer)
    yield html_page.END


def _summary(rows, wrong):
    shown = f"{len(rows):,} questions"
    if any(example.label is not None for example, _ in rows):
        shown += f", {len(wrong):,} of them with another answer than the right one, which come first"
    if len(rows) > MOST_QUESTIONS:
        shown += f". The first {MOST_QUESTIONS:,} are here; nbest_predictions.json has all"
    return shown + "."


def is_wrong(example, answer):
    """Whether the right answers are known, and this is none of them but for case and white space."""
    if example.label is None:
        return False
    right = {_plain(one.text) for one in example.label} or {""}
    return _plain(answer.text) not in right


def _plain(text):
    return " ".join(text.lower().split())


def article(example, answer):
    """Yields the lines of a question: its context with marks, right answers, candidates."""
    error = ' <span class="error">wrong</span>' if is_wrong(example, answer) else ""
    yield f'<article><p class="where">{html.escape(str(example.source or example.guid))}{error}</p>'
    yield f'<h2 dir="auto">{html.escape(example.question)}</h2>'
    yield f'<p class="text" dir="auto">{_context(example, answer)}</p>'
    if example.label is not None:
        texts = list(dict.fromkeys(one.text for one in example.label))
        yield f"<p><small>right: {' | '.join(map(_said, texts or ['']))}</small></p>"
    yield f"<p><small>predicted: {_said(answer.text)}</small></p><ol>"
    for one in answer.nbest[:SHOWN_CANDIDATES]:
        yield f"<li><small>{one.probability:.0%} {_said(one.text)}</small></li>"
    yield "</ol></article>"


def _said(text):
    return html.escape(text) or "<i>no answer</i>"


def _context(example, answer):
    """The context with marks, of a long one the part around them."""
    spans = {"gold": [(one.start, one.start + len(one.text)) for one in (example.label or ())[:1] if one.start >= 0]}
    spans["predicted"] = [(answer.start, answer.end)] if answer.start >= 0 else []
    text, places = example.context, [place for pairs in spans.values() for pair in pairs for place in pair]
    first = max(0, min(places, default=0) - MOST_CHARACTERS // 2)
    end = min(len(text), max(places, default=MOST_CHARACTERS // 2) + MOST_CHARACTERS // 2)
    borders = sorted({first, end, *places})
    shown = [("…" if first else ""), *(_part(text, *pair, spans) for pair in zip(borders, borders[1:]))]
    return "".join(shown) + ("…" if end < len(text) else "")


def _part(text, start, end, spans):
    names = [name for name, pairs in spans.items() if any(a <= start and end <= b for a, b in pairs)]
    shown = html.escape(text[start:end])
    return f'<mark class="{" ".join(names)}">{shown}</mark>' if names else shown
