"""Rows of queries and candidates: how they are grouped, laid out and put together again."""

import numpy as np
import pytest

from bertline import registry
from bertline.errors import InputError
from bertline.processors.base import InputExample, RankedQuery
from bertline.processors.labels.base import make_labels
from bertline.processors.layouts import base as layouts
from bertline.processors.tasks.ranking.groups import group_rows, training_queries
from bertline.processors.tasks.ranking.tables import RankingProcessor
from bertline.processors.tokenization import FullTokenizer


def rows(*given):
    return [InputExample(f"r-{i}", q, c, label, f"f.tsv:{i + 1}") for i, (q, c, label) in enumerate(given)]


def test_rows_of_a_query_are_found_wherever_they_stand():
    found = group_rows(rows(("a", "x", 1.0), ("b", "y", 0.0), ("a", "z", 0.0)), bool)
    assert found == [
        RankedQuery("r-0", "a", ("x", "z"), (True, False), "f.tsv:1"),
        RankedQuery("r-1", "b", ("y",), (False,), "f.tsv:2"),
    ]
    for given, said in (
        ([("a", None, 1.0)], "^f.tsv:1: no second text"),
        ([("a", "x", 1.0), ("a", "y", None)], "^f.tsv:2: no label, and other candidates of the same query have one$"),
    ):
        with pytest.raises(InputError, match=said):
            group_rows(rows(*given), bool)


def test_training_has_one_right_candidate_in_each_row():
    """Each right one beside each stretch of wrong ones; a query without either is left out."""
    query = RankedQuery("g", "q", ("r", "a", "s", "b", "c"), (True, False, True, False, False))
    found = training_queries([query, RankedQuery("h", "p", ("a",), (True,))], 3)
    assert [one.candidates for one in found] == [("r", "a", "b"), ("r", "c"), ("s", "a", "b"), ("s", "c")]
    assert all(one.label == (True, *[False] * (len(one.candidates) - 1)) for one in found)
    with pytest.raises(InputError, match="no query has a right and a wrong candidate; nothing can be learned"):
        training_queries([RankedQuery("h", "p", ("a",), (True,))], 3)


def test_a_table_says_1_or_0(tmp_path):
    (tmp_path / "dev.tsv").write_text("text_a\ttext_b\tlabel\nq\ta\t1\nq\tb\t2\n")
    with pytest.raises(InputError, match="dev.tsv:3: label 2; 1 of a right candidate or 0 is needed"):
        RankingProcessor().get_dev_examples(str(tmp_path))


def test_a_long_list_is_several_rows_and_one_answer(tmp_path):
    (tmp_path / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcde"]) + "\n")
    tokenizer = FullTokenizer(tmp_path / "vocab.txt")
    layout = layouts.make("candidates", layouts.get("packed")(tokenizer, 8), num_candidates=2)
    labels = make_labels("ranking", num_candidates=2)
    query = RankedQuery("g", "a", ("b", "c d", "e"), (False, False, True))
    [found] = list(layout.features([query]))
    assert [sorted(name for name in row if name.endswith("ids")) for row in found] == [
        ["c0_input_ids", "c0_segment_ids", "c1_input_ids", "c1_segment_ids"],
        ["c0_input_ids", "c0_segment_ids"],
    ]
    pair = next(iter(layouts.get("packed")(tokenizer, 8).features([InputExample("g", "a", "c d")])))[0]
    np.testing.assert_array_equal(found[0]["c1_input_ids"], pair["input_ids"])
    encoded = [labels.encode(query.label, row)["label_ids"].tolist() for row in found]
    assert encoded == [[0.0, 0.0], [1.0, -1.0]]
    outputs = {
        "scores": np.array([[0.5, 2.0], [1.0, -1e9]]),
        "is_there": np.array([[1, 1], [1, 0]]),
        "part": np.array([0, 1]),
        "label_ids": np.array(encoded),
    }
    [answer], [gold] = labels.answers(outputs), labels.golds(outputs)
    powers = np.exp([0.5, 2.0, 1.0])
    np.testing.assert_allclose(answer, powers / powers.sum())
    assert gold.tolist() == [False, False, True]
    lines = list(labels.prediction_files([answer], [query])["predictions.tsv"])
    assert lines[2].split("\t")[1:] == ["1", f"{answer[1]:.6g}", "0", "a", "c d"]


def test_a_pair_without_a_token_is_a_candidate_all_the_same():
    """As of an empty query in a layout without special tokens: the last one, or the only one."""
    queries = [RankedQuery("g", "", ("", "b", "c")), RankedQuery("h", "", ("",))]
    outputs = {
        "scores": np.array([[-1e9, 1.0], [0.5, -1e9], [-1e9, -1e9]]),
        "is_there": np.array([[0, 1], [1, 0], [0, 0]]),
        "part": np.array([0, 1, 0]),
    }
    first, second = make_labels("ranking", num_candidates=2).predictions(outputs, queries, None, [[{}, {}], [{}]])
    powers = np.exp([1.0, 0.5])
    assert (first.candidates, first.places) == (("b", "c", ""), (1, 2, 0))
    np.testing.assert_allclose(first.probabilities, [*(powers / powers.sum()), 0.0])
    assert (second.candidates, second.probabilities, second.places) == (("",), (1.0,), (0,))


def test_qnli_is_grouped_by_its_questions(tmp_path):
    """GLUE's files: its rows of one question, of which "entailment" is right."""
    lines = [
        "index\tquestion\tsentence\tlabel",
        "0\tq\ta\tnot_entailment",
        "1\tp\tx\tentailment",
        "2\tq\tb\tentailment",
    ]
    for split in ("train", "dev"):
        (tmp_path / f"{split}.tsv").write_text("\n".join(lines) + "\n")
    processor = registry.get("processor", "qnli-ranking")()
    [one] = processor.get_train_examples(str(tmp_path))
    assert (one.query, one.candidates, one.label) == ("q", ("b", "a"), (True, False))
    dev = processor.get_dev_examples(str(tmp_path))
    assert [(one.candidates, one.label) for one in dev] == [(("a", "b"), (False, True)), (("x",), (True,))]
