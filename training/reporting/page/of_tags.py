"""What a report says of tags: entities by their type, or tags by their words, and the sentences to look at."""

import collections
import dataclasses

import numpy as np

from bertline.processors.tagging import tag_page
from bertline.processors.tagging.tag_spans import marks_spans, spans_of
from bertline.processors.tagging.word_offsets import with_text
from bertline.training.evaluation.class_report import class_scores
from bertline.training.reporting.page.confidence import calibration_of_answers
from bertline.training.reporting.page.confusion import confusion
from bertline.training.reporting.page.parts import Markup, escape, number, paragraph, section, table
from bertline.training.reporting.page.rows import SHOWN

STYLE = tag_page.MARKS


def sections(evaluated, colours):
    """Yields the sections of a split; the tags of a sentence have no colours of attribution."""
    golds, found, split = evaluated.golds, evaluated.answers, evaluated.split
    as_spans = marks_spans(tag for tags in golds for tag in tags)
    if as_spans:
        yield section(f"Entities of {split}", _types(golds, found))
    else:
        names = sorted({tag for side in (golds, found) for tags in side for tag in tags})
        yield section(f"Tags of {split}", *_tags(names, golds, found))
    if evaluated.confidences is not None:
        sure = [np.asarray(one, float) for one in evaluated.confidences]
        right = [np.array([a == b for a, b in zip(*pair)], bool) for pair in zip(golds, found)]
        if sum(map(len, right)):
            shown = calibration_of_answers(np.concatenate(sure), np.concatenate(right), "the tag of each word")
            yield section(f"Calibration of {split}", shown)
        if evaluated.examples is not None:
            yield from _sentences(evaluated, sure, right, as_spans)


def _types(golds, found):
    """Of each type precision, recall and F1 as per_type.tsv has them, and what became of its entities."""
    there, predicted, right = (collections.Counter() for _ in range(3))
    fates = collections.defaultdict(collections.Counter)
    for gold, answer in zip(golds, found):
        gold, answer = spans_of(gold), spans_of(answer)
        there.update(one.label for one in gold)
        predicted.update(one.label for one in answer)
        right.update(one.label for one in set(gold) & set(answer))
        for one in gold:
            fates[one.label][_fate(one, answer)] += 1
    rows = []
    for name in sorted(there | predicted):
        scores = right[name] / max(1, predicted[name]), right[name] / max(1, there[name])
        f1 = 2 * right[name] / max(1, there[name] + predicted[name])
        counts = (f"{count:,}" for count in (there[name], predicted[name], *(fates[name][fate] for fate in FATES)))
        rows.append((name, *map(number, (*scores, f1)), *counts))
    header = ("type", "precision", "recall", "F1", "entities", "predicted", *FATES)
    said = (
        f"Of the entities that are not right: {OTHER_TYPE}, the same words; {OTHER_ENDS}, some of the words; {MISSED}, "
        "none of them."
    )
    return Markup(table(header, rows) + paragraph(said))


OTHER_TYPE, OTHER_ENDS, MISSED = FATES = ("other type", "other words", "missed")


def _fate(span, answers):
    """What became of an entity; "" where it was found."""
    if span in answers:
        return ""
    if any((one.first, one.end) == (span.first, span.end) for one in answers):
        return OTHER_TYPE
    return OTHER_ENDS if any(one.first < span.end and span.first < one.end for one in answers) else MISSED


def _tags(names, golds, found):
    ids = {name: i for i, name in enumerate(names)}
    golds, found = (np.array([ids[tag] for tags in side for tag in tags], np.int64) for side in (golds, found))
    if not len(golds):
        return []
    scores = zip(names, *class_scores(len(names), golds, found))
    rows = [(name, *map(number, row[:3]), *(f"{int(count):,}" for count in row[3:])) for name, *row in scores]
    return [table(("tag", "precision", "recall", "F1", "words", "predicted"), rows), confusion(names, golds, found)]


def _sentences(evaluated, sure, right, as_spans):
    """The sections of the sentences with the surest wrong word, and of those with the least sure one."""
    surest = np.array([one[~ok].max(initial=-1.0) for one, ok in zip(sure, right)])
    least = np.array([one.min(initial=2.0) for one in sure])
    errors = [i for i in np.argsort(-surest, kind="stable")[:SHOWN] if surest[i] >= 0.0]
    doubtful = [i for i in np.argsort(least, kind="stable")[:SHOWN] if least[i] <= 1.0]
    shown = {i: _row(evaluated, i, as_spans) for i in (*errors, *doubtful)}
    hues = tag_page.hues_of(shown.values())
    for title, chosen, place in (
        (f"Most confident errors of {evaluated.split}", errors, lambda i: np.argmax(np.where(right[i], -1.0, sure[i]))),
        (f"Least certain sentences of {evaluated.split}", doubtful, lambda i: np.argmin(sure[i])),
    ):
        articles = [
            _article(shown[i], evaluated, i, int(place(i)), sure[i], "\n".join(shown[i].sides(hues, as_spans)))
            for i in chosen
        ]
        yield section(title, *articles)


def _row(evaluated, i, as_spans):
    """A tag_page.Row of the tags that were scored."""
    example = dataclasses.replace(with_text(evaluated.examples[i]), label=evaluated.golds[i])
    return tag_page.Row(example, evaluated.answers[i], as_spans)


def _article(row, evaluated, i, place, sure, sides):
    """A sentence, and the word that it is shown for."""
    gold, answer = evaluated.golds[i][place], evaluated.answers[i][place]
    said = f"{row.example.words[place]}: predicted {answer} ({sure[place]:.1%}), right {gold}"
    where = escape(row.example.source or row.example.guid)
    return Markup(f'<article><p class="where">{where}</p><p class="said">{escape(said)}</p>{sides}</article>')
