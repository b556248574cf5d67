"""predictions.html: questions with their answers marked in the context, right ones beside predicted ones."""

import html

MOST_QUESTIONS = 1000  # a browser shows so many at once
MOST_CHARACTERS = 700  # of a context, around its answers
SHOWN_CANDIDATES = 5

_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Predicted answers</title>
<link rel="icon" href="data:,">
<style>
:root { color-scheme: light dark; --quiet: #5b6470; --line: #d4d9df; --page: #fff; --error: #b3261e;
  --mark: #cfe3fb; --right: #1a7f37; }
@media (prefers-color-scheme: dark) {
  :root { --quiet: #a3adb8; --line: #3c444d; --page: #15191d; --error: #ff9d94; --mark: #1f4468; --right: #6fd08c; }
}
* { box-sizing: border-box; }
body { font: 1rem/1.6 system-ui, sans-serif; background: var(--page); max-width: 60rem; margin: 0 auto;
  padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.5rem; margin: 0; line-height: 1.3; }
h2 { font-size: 1rem; margin: .25rem 0; overflow-wrap: anywhere; }
p, ol { margin: .5rem 0; }
article { border-top: 1px solid var(--line); padding: .75rem 0; }
.where, small { font-size: .85rem; color: var(--quiet); overflow-wrap: anywhere; }
.text { white-space: pre-wrap; overflow-wrap: anywhere; }
mark { color: inherit; background: none; border-radius: .2rem; box-decoration-break: clone; }
.predicted { background: var(--mark); }
.gold { border-bottom: 3px solid var(--right); }
.error { color: var(--error); }
</style>
</head>
<body>
"""


def page(answers, examples):
    """Yields the lines of the page, wrong answers first.

    Args:
      answers: processors.labels.spans.SpanAnswer of each question.
      examples: the Questions; `label` is None where the right answers are not known.
    """
    rows = list(zip(examples, answers))
    wrong = [row for row in rows if _is_wrong(*row)]
    right = [row for row in rows if not _is_wrong(*row)]
    yield _HEAD + "<h1>Predicted answers</h1>"
    yield f"<p>{_summary(rows, wrong)}</p>"
    yield '<p><mark class="predicted">predicted</mark> &nbsp; <mark class="gold">right</mark></p>'
    for example, answer in [*wrong, *right][:MOST_QUESTIONS]:
        yield from _article(example, answer)
    yield "</body>\n</html>"


def _summary(rows, wrong):
    shown = f"{len(rows):,} questions"
    if any(example.label is not None for example, _ in rows):
        shown += f", {len(wrong):,} of them with another answer than the right one, which come first"
    if len(rows) > MOST_QUESTIONS:
        shown += f". The first {MOST_QUESTIONS:,} are here; nbest_predictions.json has all"
    return shown + "."


def _is_wrong(example, answer):
    """Whether the right answers are known, and this is none of them but for case and white space."""
    if example.label is None:
        return False
    right = {_plain(one.text) for one in example.label} or {""}
    return _plain(answer.text) not in right


def _plain(text):
    return " ".join(text.lower().split())


def _article(example, answer):
    error = ' <span class="error">wrong</span>' if _is_wrong(example, answer) else ""
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
