"""What a report says of answers in texts: whether there is one, how sure it is, and the questions to look at."""

import numpy as np

from bertline.processors.answering import answer_page
from bertline.training.reporting.page.confidence import calibration_of_answers
from bertline.training.reporting.page.confusion import confusion
from bertline.training.reporting.page.parts import Markup, section
from bertline.training.reporting.page.rows import SHOWN

STYLE = answer_page.MARKS
NAMES = ("answer", "no answer")


def sections(evaluated, colours):
    """Yields the sections of a split; questions have no colours of attribution."""
    rows, split = list(zip(evaluated.examples, evaluated.answers)), evaluated.split
    golds = np.array([not example.label for example, _ in rows]).astype(int)
    found = np.array([not answer.text for _, answer in rows]).astype(int)
    if golds.any() or found.any():
        yield section(f"Questions with and without an answer of {split}", confusion(NAMES, golds, found))
    sure = np.array([answer.probability for _, answer in rows])
    right = np.array([not answer_page.is_wrong(*row) for row in rows])
    said = "the answer that is given; right is one that is equal to a right answer but for case and white space"
    yield section(f"Calibration of {split}", calibration_of_answers(sure, right, said))
    wrong = np.flatnonzero(~right)
    errors = wrong[np.argsort(-sure[wrong], kind="stable")]
    doubtful = np.argsort([_margin(answer) for _, answer in rows], kind="stable")
    for title, chosen in (("Most confident errors", errors), ("Least certain questions", doubtful)):
        articles = [Markup("\n".join(answer_page.article(*rows[i]))) for i in chosen[:SHOWN]]
        yield section(f"{title} of {split}", Markup(answer_page.LEGEND) if articles else "", *articles)


def _margin(answer):
    """How much likelier the best candidate is than the second one."""
    likely = sorted((one.probability for one in answer.nbest), reverse=True)
    return likely[0] - likely[1] if len(likely) > 1 else 1.0
