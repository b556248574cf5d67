"""Taggers, readers of answers and rankers of candidates as SavedModels, against Predictor."""

import contextlib

import numpy as np
import pytest
import tensorflow as tf
from odd_texts import ODD, mixed_texts
from small_heads import TAGS, ranker_folder, reader_folder, tagger_folder

from bertline import registry
from bertline.errors import InputError
from bertline.serving import Predictor
from bertline.serving.export.exporter import export
from bertline.serving.export.saved_ranker import RankerModule
from bertline.settings.scripts import export_model as export_settings

TEXTS = [text.encode("utf-8", "ignore").decode() for text in [*ODD, *mixed_texts(30)]]
CONTEXT = "Fed (ab c), hé!  i\u00a0jig d. 北京 \t a Bé c? fed, \U0001f642 a"


def saved(folder, **flags):
    """(the SavedModel of a folder, loaded; differences that were said)."""
    run = export_settings.ExportSettings(init_checkpoint=str(folder), output_dir=f"{folder}/saved", **flags)
    export_settings.check(run)
    _, differences, example = export(run)
    module = tf.saved_model.load(f"{folder}/saved")
    module(*map(tf.constant, example))
    return module, differences


@pytest.mark.slow
@pytest.mark.long
def test_a_tagger(tmp_path):
    folder = tagger_folder(tmp_path, crf=True)
    module, differences = saved(folder)
    assert differences.keys() == {"confidences"} and differences["confidences"] < 1e-4
    found = {name: value.numpy() for name, value in module(tf.constant(TEXTS)).items()}
    for name, value in module.signatures["serving_default"](text=tf.constant(TEXTS)).items():
        np.testing.assert_array_equal(value, found[name])
    words = [[word.decode() for word in row if word] for row in found["words"]]
    filled = tf.constant([[*row, *[""] * (found["words"].shape[1] - len(row))] for row in words])
    of_words = module.signatures["words"](words=filled)
    read_whole = 0
    for i, one in enumerate(Predictor(folder).tag(words)):
        text, count = TEXTS[i], len(one.words)
        assert words[i] == [text[a:b] for a, b in zip(found["starts"][i][:count], found["ends"][i][:count])]
        if b"" in found["tags"][i][:count]:  # Predictor reads long ones in windows
            assert count > 20 and found["tags"][i][0] != b""
            continue
        read_whole += count > 0
        assert [tag.decode() for tag in found["tags"][i][:count]] == list(one.tags)
        assert [tag.decode() for tag in of_words["tags"][i].numpy() if tag] == list(one.tags)
        np.testing.assert_allclose(found["confidences"][i][:count], one.confidences, atol=1e-5)
        said = [kind.decode() for kind in found["types"][i] if kind]
        assert said == [entity.type for entity in one.entities]
        for entity, start, end, score in zip(
            one.entities, found["entity_starts"][i], found["entity_ends"][i], found["scores"][i]
        ):
            assert (start, end) == (found["starts"][i][entity.first_word], found["ends"][i][entity.end_word - 1])
            assert score == pytest.approx(entity.score, abs=1e-5)
    assert read_whole > 20 and [name.decode() for name in module.labels().numpy()] == list(TAGS)
    assert module(tf.constant([""]))["tags"].shape == (1, 0)


@pytest.mark.slow
def test_a_reader_of_answers(tmp_path):
    rules = {"has_unanswerable": True, "null_score_diff_threshold": 0.0}
    folder = reader_folder(tmp_path, answer_rules=rules, question_windows={"doc_stride": 11, "max_query_length": 8})
    live = Predictor(folder)
    module, differences = saved(folder)
    assert differences.keys() == {"score"} and differences["score"] < 1e-3
    contexts = [CONTEXT, CONTEXT * 9, *(text for text in TEXTS if text.strip() and text.isprintable())]
    asked = [(question, context) for question in ("a b?", "hi fed a b c d e f g h i j") for context in contexts]
    found = {name: value.numpy() for name, value in module(*map(tf.constant, zip(*asked))).items()}
    for (_, context), one, *said in zip(
        asked, live.answer(asked), found["answer"], found["start"], found["end"], strict=True
    ):
        text, start, end = said[0].decode(), *said[1:]
        # A word of which the tokenizer drops characters, or takes one apart, is given whole.
        if one.text and not set("\u0301\u0300\u200b\ufeff") & set(context):
            assert (text, start, end) == (one.text, one.start, one.end)
        else:
            assert (text == "") == (one.text == "") and (start == -1) == (one.start is None)
    said = live.answer(asked[:5])
    best = [next(each for each in one.nbest if each["text"]) for one in said]
    np.testing.assert_allclose(found["null_score"][:5], [one.null_score for one in said], atol=1e-4)
    np.testing.assert_allclose(found["score"][:5], [one["start_logit"] + one["end_logit"] for one in best], atol=1e-4)
    assert 0 < (found["answer"] == b"").sum() < len(asked), "some have an answer, some have none"


@pytest.mark.slow
def test_what_a_ranker_computes(tmp_path):
    """Of more candidates than a row of training has, and of one; equal ones stay in their order."""
    live = Predictor(ranker_folder(tmp_path))
    rank, _ = RankerModule(live.objective, live.labels).function(live.head_layout, contextlib.nullcontext)
    for query, candidates in (("a b?", ["c", "", "fed é", "北 b a", "c"]), ("", ["fed"])):
        found = {name: value.numpy() for name, value in rank(tf.constant(query), tf.constant(candidates)).items()}
        [expected] = live.rank([(query, candidates)])
        assert found["order"].tolist() == list(expected.places) and found["order"].dtype == np.int32
        np.testing.assert_allclose(found["probabilities"][found["order"]], expected.probabilities, atol=1e-5)


@pytest.mark.slow
@pytest.mark.long
def test_a_ranker_of_candidates(tmp_path):
    folder = ranker_folder(tmp_path)
    live = Predictor(folder)
    module, differences = saved(folder)
    assert differences.keys() == {"probabilities"} and differences["probabilities"] < 1e-4
    for query, candidates in (("a b?", TEXTS), ("", ["c d", "a", "c d"]), (CONTEXT * 3, ["fed"])):
        found = module.signatures["serving_default"](query=tf.constant(query), candidates=tf.constant(candidates))
        [expected] = live.rank([(query, candidates)])
        order = found["order"].numpy()
        np.testing.assert_allclose(found["probabilities"].numpy()[order], expected.probabilities, atol=1e-5)
        np.testing.assert_array_equal(order, np.argsort(-found["probabilities"].numpy(), kind="stable"))
    assert order.dtype == np.int32 and found["probabilities"].dtype == tf.float32
    [best, *_] = module(tf.constant("a b?"), tf.constant(["c", "d", "e"]))["order"].numpy()
    assert best == live.rank([("a b?", ["c", "d", "e"])])[0].places[0]


def test_a_head_of_another_verb_is_refused(tmp_path, monkeypatch):
    folder = ranker_folder(tmp_path)
    monkeypatch.setattr(registry.get("labels", "ranking"), "verb", "sort")
    with pytest.raises(InputError, match="a model for ranking, which is not exported; --task=embed exports the"):
        saved(folder)
