"""evaluate_vectors.py puts the prompt that it is given before every text."""

from bertline.processors.base import InputExample
from bertline.settings.scripts.evaluate_vectors import EvaluationSettings
from bertline.vector_evaluation.evaluate import evaluate
from bertline.vector_evaluation.tasks import EvaluationTask


def similarity(start=""):
    """Pairs of letters with a score each."""
    rows = [("a b", "a c", 1.0), ("d", "d e", 4.0), ("f g h", "b", 0.0), ("c c", "c d", 3.0), ("h", "a", 2.0)]
    scored = [InputExample(str(i), start + a, start + b, score) for i, (a, b, score) in enumerate(rows)]
    return EvaluationTask("pairs", [], ("spearman", "pearson"), "test", scored, [], [])


def test_a_prompt(tiny_folder):
    folder = str(tiny_folder())
    plain, given, written = (
        evaluate(EvaluationSettings(init_checkpoint=folder, prompt=prompt), [similarity(start)])[0].scores
        for prompt, start in ((None, ""), ("q r ", ""), ("", "q r "))
    )
    assert given == written and given != plain
