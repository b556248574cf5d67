"""Questions and windows of texts: the original's features, and its answers for its logits."""

import gzip
import json

import numpy as np
import pytest

from bertline import registry
from bertline.errors import InputError
from bertline.processors.answering.context_words import context_words
from bertline.processors.answering.spans import AnswerRules
from bertline.processors.base import Answer, Question
from bertline.processors.labels.base import make_labels
from bertline.processors.layouts.base import get, make
from bertline.processors.tokenization import FullTokenizer
from bertline.settings.parts import part
from bertline.settings.scripts.run_squad import SquadSettings
from bertline.training.jobs import task_files
from bertline.training.jobs.task_data import Task, TaskData, TaskDataSettings

pytestmark = pytest.mark.real_data


def lines(path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


@pytest.fixture(scope="module")
def layout(data_dir):
    tokenizer = FullTokenizer(data_dir / "bert_vocabs" / "google_uncased_en_vocab.txt")
    return make("questions", get("packed")(tokenizer, 384), doc_stride=128, max_query_length=64)


@pytest.fixture(scope="module")
def questions(data_dir, golden_dir):
    processor = registry.get("processor", "squad")(version_2_with_negative=True)
    found = {one.guid: one for one in processor.get_dev_examples(str(data_dir / "squad2_half_dev"))}
    with open(golden_dir / "squad_qas_ids.json", encoding="utf-8") as file:
        return [found[guid] for guid in json.load(file)]


def rows_of(layout, questions):
    return [(q.guid, i, row) for q, rows in zip(questions, layout.features(questions)) for i, row in enumerate(rows)]


@pytest.mark.slow
@pytest.mark.parametrize("split", ("train", "predict"))
def test_features_are_the_original_ones(layout, questions, golden_dir, split):
    expected = lines(golden_dir / f"squad_features_{split}.jsonl.gz")
    found = rows_of(layout, questions)
    assert len(found) == len(expected)
    for (guid, number, row), wanted in zip(found, expected):
        assert (guid, number) == (wanted["qas_id"], wanted["doc_span_index"])
        for name in ("input_ids", "segment_ids"):
            assert row[name].tolist() == wanted[name], (guid, name)
        words = {str(i): int(word) for i, word in enumerate(row["word_of_token"]) if word >= 0}
        assert words == wanted["token_to_orig_map"]
        assert np.flatnonzero(row["has_most_context"]).tolist() == wanted["token_is_max_context"]
        if split == "train":
            assert row["answer"] == (wanted["start_position"], wanted["end_position"]), guid


@pytest.mark.parametrize("answer_text", ("original", "raw"))
def test_answers_are_the_original_ones(layout, questions, golden_dir, answer_text):
    """Raw texts are the same ones here: these contexts have single blanks."""
    logits = lines(golden_dir / "squad_logits.jsonl.gz")
    outputs = {
        "start_logits": [np.array(one["start_logits"]) for one in logits],
        "end_logits": [np.array(one["end_logits"]) for one in logits],
        "part": np.array([one["doc_span_index"] for one in logits]),
    }
    labels = make_labels("spans", rules=AnswerRules(has_unanswerable=True, answer_text=answer_text))
    files = labels.prediction_files(labels.answers(outputs, questions, layout), questions)
    for name, golden in (("predictions", "squad_predictions.json"), ("null_odds", "squad_null_odds.json")):
        with open(golden_dir / golden, encoding="utf-8") as file:
            expected = json.load(file)
        found = json.loads("\n".join(files[f"{name}.json"]))
        assert found == expected if name == "predictions" else found == pytest.approx(expected)
    with gzip.open(golden_dir / "squad_nbest_predictions.json.gz", "rt", encoding="utf-8") as file:
        expected = json.load(file)
    found = json.loads("\n".join(files["nbest_predictions.json"]))
    for guid, nbest in expected.items():
        assert [one["text"] for one in found[guid]] == [one["text"] for one in nbest], guid
        for one, wanted in zip(found[guid], nbest):
            assert [one[key] for key in ("probability", "start_logit", "end_logit")] == pytest.approx(
                [wanted[key] for key in ("probability", "start_logit", "end_logit")], abs=1e-9
            )


def test_contexts_and_questions_without_a_token(layout):
    examples = [Question("1", "", "a b", (Answer("b", 2),)), Question("2", "who", "", ())]
    first, second = (rows for rows in layout.features(examples))
    assert first[0]["answer"] == (3, 3) and second[0]["answer"] == (0, 0)
    labels = make_labels("spans", rules=AnswerRules(has_unanswerable=True))
    outputs = {
        "start_logits": [np.ones(len(row["input_ids"])) for row in (first[0], second[0])],
        "end_logits": [np.ones(len(row["input_ids"])) for row in (first[0], second[0])],
    }
    assert [one.text for one in labels.answers(outputs, examples, layout)][1] == ""


def test_words_are_those_of_the_original():
    words = context_words("In  1895\u202f(France), it\tended.\u00a0x")
    assert words.words == ["In", "1895", "(France),", "it", "ended.\u00a0x"]
    assert words.starts == [0, 4, 9, 19, 22]


def test_answers_are_characters_of_the_context(layout):
    """Odd white space, accents, ideographs without white space, marks at both ends."""
    contexts = {
        "He  saw\u00a0Caf\u00e9 \n  Zo\u00eb\u0301, (1895).": [
            "Caf\u00e9 \n  Zo\u00eb\u0301",
            "1895",
            "saw\u00a0Caf\u00e9",
        ],
        "成立于1950年的\u3000中国，位于亚洲；中国很大。": ["1950年", "位于亚洲"],
    }
    for context, texts in contexts.items():
        for text in texts:
            start = context.index(text)
            example = Question("1", "what", context, (Answer(text, start),))
            [[row]] = layout.features([example])
            first, last = row["answer"]
            starts, ends = (np.eye(len(row["input_ids"]))[place] for place in (first, last))
            [found] = make_labels("spans").answers({"start_logits": [starts], "end_logits": [ends]}, [example], layout)
            assert (found.text, found.start, found.end) == (text, start, start + len(text))


def test_an_answer_that_occurs_twice_in_a_word_is_learned_where_it_stands(layout):
    context = "中国位于亚洲，中国很大。"
    rows = list(layout.features([Question("1", "谁", context, (Answer("中国", place),)) for place in (0, 7)]))
    (first, _), (second, _) = (row[0]["answer"] for row in rows)
    assert [rows[0][0]["offsets"][first, 0], rows[1][0]["offsets"][second, 0]] == [0, 7]


def test_a_text_of_two_hundred_thousand_characters(layout):
    context = "word " * 39_999 + "given" + "x"
    example = Question("1", "q", context, (Answer("givenx", 199_995),))
    [rows] = layout.features([example])
    assert np.concatenate([row["offsets"][row["has_most_context"]] for row in rows])[:, 1].max() == len(context)
    assert sum(row["has_most_context"].sum() for row in rows) == len(layout.tokenizer.tokenize(context))
    outputs = {"start_logits": [np.zeros(len(row["input_ids"])) for row in rows], "part": np.arange(len(rows))}
    outputs["end_logits"] = outputs["start_logits"]
    place = rows[-1]["answer"][0]
    outputs["start_logits"][-1][place] = outputs["end_logits"][-1][place] = 5.0
    [found] = make_labels("spans").answers(outputs, [example], layout)
    assert found.text == context[found.start : found.end] and found.text[:5] == "given"


def test_the_threshold_of_an_evaluation_is_kept_and_a_given_one_counts_more():
    scores = {"eval_best_f1_thresh": 1.5, "eval_no_answer_exact_match": 40.0}
    free, given = (
        make_labels("spans", rules=AnswerRules(has_unanswerable=True, null_score_diff_threshold=value))
        for value in (None, 0.25)
    )
    tuned = free.with_scores(scores)
    assert (
        tuned.rules.null_score_diff_threshold == pytest.approx(1.5, abs=2e-4)
        and free.rules.null_score_diff_threshold is None
    )
    assert free.with_config(tuned.config_entries()).rules == tuned.rules
    assert given.with_scores(scores) is given and given.with_config(tuned.config_entries()) is given
    assert free.with_config({"answer_rules": "?"}) is free and free.with_scores({"eval_loss": 1.0}) is free


def test_the_score_is_that_of_the_language(data_dir, tmp_path):
    make = registry.get("processor", "squad")
    chinese = make(dev_file=str(data_dir / "cmrc2018" / "cmrc2018_trial.json"))
    assert chinese.metrics == ("answer_f1",)
    chinese.get_dev_examples("")
    assert chinese.metrics == ("chinese_answer_f1",)
    path = tmp_path / "dev.json"
    path.write_text(ASKED % '{"id": "x", "question": "在哪里", "answers": [{"text": "c", "answer_start": 0}]}')
    asked = make(dev_file=str(path), answer_score="answer_f1")
    asked.get_dev_examples("")
    assert asked.metrics == ("answer_f1",)


ASKED = '{"data": [{"paragraphs": [{"context": "c", "qas": [%s]}]}]}'


@pytest.mark.parametrize(
    "content, said",
    [
        ("[1]", "a JSON object is needed"),
        ('{"data": {}}', r"data is .*, a list is needed"),
        ('{"data": [{"paragraphs": [{"context": 3, "qas": []}]}]}', r"data\[0\].paragraphs\[0\]: context is 3"),
        (ASKED % '{"id": "x", "question": null}', r"qas\[0\]: question is"),
        ('{"data": []}', "no question"),
        (ASKED % '{"id": "x", "question": "q"}, {"id": "x", "question": "q"}', r"qas\[1\]: the id 'x' stands twice"),
        (ASKED % '{"id": true, "question": "q"}', "id is true"),
        (ASKED % '{"id": "x", "question": "q", "answers": [{"text": "c"}]}', r"answers\[0\]: answer_start is null"),
        (ASKED % '{"id": "x", "question": "q", "answers": [3]}', r"answers\[0\]: answer_start is null"),
        (ASKED % '{"id": "x", "question": "q"', "dev.json:1: not JSON"),
    ],
)
def test_a_file_that_is_none_is_one_line(tmp_path, content, said):
    path = tmp_path / "dev.json"
    path.write_text(content)
    with pytest.raises(InputError, match=said):
        registry.get("processor", "squad")(dev_file=str(path)).get_dev_examples("")


def test_what_is_needed_is_said_with_the_flag_of_the_file():
    run = SquadSettings(do_eval=True, task_name="squad")
    with pytest.raises(InputError, match="--data_dir is needed for the dev split, or --dev_file$"):
        task_files.read_examples(run, registry.get("processor", "squad")())


def test_records_without_texts_are_refused():
    task = Task(make_labels("spans"), ("answer_f1",), {}, {"test": "a.tfrecord"}, None, "questions")
    with pytest.raises(InputError, match="--predict_records=a.tfrecord: records have no texts"):
        TaskData(task, part(TaskDataSettings, SquadSettings(output_dir="x"))).check()
