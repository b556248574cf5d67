"""Predictor on taggers and on readers of answers, against transformers, seqeval and itself."""

import dataclasses

import numpy as np
import pytest
import small_models
from odd_texts import ODD, mixed_texts
from small_heads import TAGS, reader_folder, tagger_folder

from bertline.errors import InputError
from bertline.processors.layouts import base as layouts
from bertline.serving import Predictor

CONTEXT = "Fed (ab c), hé!  i\u00a0jig d. 北京 \t a Bé c? fed, \U0001f642 a"
QUESTIONS = [(question, CONTEXT) for question in ("a b?", "c", "hi fed", "é", "d d d d")]
WORDS = [*"abcdefghij", "ab", "fed", "jig,", "北京", "é?", "(ab)", "...", "hh!"]


@pytest.fixture(scope="module")
def tagger_place(tmp_path_factory):
    return tagger_folder(tmp_path_factory.mktemp("tagger"))


@pytest.fixture(scope="module")
def tagger(tagger_place):
    return Predictor(tagger_place)


def test_entities_as_the_pipeline_of_transformers_has_them(tagger, tagger_place, tmp_path):
    """Words of which no rule for English makes one of several of BERT's."""
    transformers = pytest.importorskip("transformers", reason="make peers")
    pytest.importorskip("torch", reason="make peers")
    model = transformers.BertForTokenClassification.from_pretrained(tagger_place)
    tokenizer = transformers.BertTokenizer.from_pretrained(tagger_place)
    ner = transformers.pipeline("ner", model=model, tokenizer=tokenizer, aggregation_strategy="first")
    count = 0
    draw = np.random.default_rng(0)
    texts = [" ".join(draw.choice(WORDS, count)) for count in range(1, 31)]
    for text, found in zip(texts, tagger.tag(texts), strict=True):
        expected = ner(text)
        assert [(one.type, one.start, one.end) for one in found.entities] == [
            (one["entity_group"], one["start"], one["end"]) for one in expected
        ]
        np.testing.assert_allclose([one.score for one in found.entities], [one["score"] for one in expected], atol=1e-5)
        count += len(expected)
    assert count > 50 and {one.type for text in tagger.tag(texts) for one in text.entities} == {"PER", "LOC"}
    ner.save_pretrained(tmp_path)  # and the other way: what transformers writes is read
    assert [one.tags for one in Predictor(tmp_path).tag(texts)] == [one.tags for one in tagger.tag(texts)]


def test_places_of_words_and_entities(tagger):
    sequence_labeling = pytest.importorskip("seqeval.metrics.sequence_labeling")
    for text, found in zip(ODD, tagger.tag(ODD), strict=True):
        assert found.text == text and set(found.tags) <= set(TAGS)
        assert found.words == tuple(text[start:end] for start, end in zip(found.starts, found.ends))
        assert "".join("".join(found.words).split()) == "".join(text.split())
        for one in found.entities:
            assert one.text == text[one.start : one.end]
            assert (one.start, one.end) == (found.starts[one.first_word], found.ends[one.end_word - 1])
            assert one.score == pytest.approx(np.mean(found.confidences[one.first_word : one.end_word]))
        expected = [(kind, first, last + 1) for kind, first, last in sequence_labeling.get_entities(list(found.tags))]
        assert [(one.type, one.first_word, one.end_word) for one in found.entities] == expected


def test_words_are_tagged_as_they_are_given(tagger):
    words = ["ab", "c d", "", "北京", "e" * 300]
    found, alone = tagger.tag([words, "a"])
    assert found.words == tuple(words) and len(found.tags) == 5 and alone.words == ("a",)
    assert [found.text[start:end] for start, end in zip(found.starts, found.ends)] == words
    assert tagger.tag([]) == [] and tagger.tag([[]])[0].tags == ()


def test_a_batch_is_as_its_texts(tagger):
    """Texts of several windows among them."""
    texts = [*mixed_texts(60), "a b c d " * 50]
    for one, alone in zip(tagger.tag(texts), [tagger.tag([text])[0] for text in texts], strict=True):
        assert one.tags == alone.tags and one.confidences == pytest.approx(alone.confidences, abs=1e-5)


def test_a_crf_finds_the_best_sequence(tmp_path):
    """The one of highest score among all 5 ** 4; states as the objective's own logits."""
    predictor = Predictor(tagger_folder(tmp_path, crf=True))
    [found] = predictor.tag([["a", "b", "c", "d"]])
    crf = predictor.objective.crf
    rows = next(predictor._head_of_rows.layout.features([predictor.labels.example(["a", "b", "c", "d"])]))
    features = {name: np.asarray(value)[None] for name, value in rows[0].items()}
    features |= {"input_mask": np.ones_like(features["input_ids"]), "word_mask": np.ones([1, 4], np.int32)}
    logits = predictor.objective(features)["logits"][0].numpy()
    start, between, end = (one.numpy() for one in (crf.start_transitions, crf.transitions, crf.end_transitions))
    sequences = np.stack(np.meshgrid(*[np.arange(5)] * 4, indexing="ij"), -1).reshape(-1, 4)
    scores = start[sequences[:, 0]] + end[sequences[:, 3]] + logits[np.arange(4), sequences].sum(1)
    scores += between[sequences[:, :-1], sequences[:, 1:]].sum(1)
    assert found.tags == tuple(TAGS[i] for i in sequences[scores.argmax()])


def test_words_of_a_folder_that_cuts_texts_otherwise(tmp_path):
    predictor = Predictor(tagger_folder(tmp_path, split_words="characters"))
    assert predictor.tag(["ab c"])[0].words == ("a", "b", "c")


def test_an_encoder_of_characters_tags_and_gives_vectors(tmp_path):
    """Its head is computed here from the layout's own rows."""
    encoder = small_models.encoder("char_cnn", num_characters=259)
    predictor = Predictor(tagger_folder(tmp_path, encoder=encoder))
    words = ["ab", "é", "fed" * 30, ""]
    [found, _] = predictor.tag([words, "a b c"])
    [row] = next(predictor.head_layout.features([predictor.labels.example(words)]))
    features = {name: np.asarray(row[name])[None] for name in ("input_ids", "character_ids", "word_positions")}
    features |= {"input_mask": np.ones_like(features["input_ids"]), "word_mask": np.ones([1, 4], np.int32)}
    logits = predictor.objective({**features, "segment_ids": np.zeros_like(features["input_ids"])})["logits"][0]
    assert found.tags == tuple(TAGS[i] for i in np.argmax(logits, axis=1))
    own = layouts.get("plain_characters")(predictor.tokenizer, 9).rows(["ab é, a"]).values["character_ids"]
    outputs = encoder({"character_ids": own[None], "input_mask": np.ones([1, len(own)], np.int32)})
    [vectors] = predictor.embed(["ab é, a"], unit="token")
    np.testing.assert_allclose(vectors, outputs["sequence_output"][0], atol=1e-6)


def test_tags_without_entities(tmp_path):
    [found] = Predictor(tagger_folder(tmp_path, ("NN", "VB", "DT"))).tag(["a b"])
    assert found.entities == () and set(found.tags) <= {"NN", "VB", "DT"} and "'a': " in repr(found)


@pytest.mark.parametrize(
    "given, message",
    [
        (None, r"texts\[1\]: None, a missing value"),
        (7, r"texts\[1\]: 7, of type int; a str is needed, or a list of words"),
        (["a", None], r"texts\[1\]\[1\]: None, a missing value .*; a word, a str, is needed"),
        ("é\ud83d", r"texts\[1\]: character 1 is '\\ud83d', half of a surrogate pair"),
    ],
)
def test_what_is_no_sentence(tagger, given, message):
    with pytest.raises(InputError, match=message):
        tagger.tag(["a", given])


def test_a_verb_that_a_model_lacks(tagger, predictor):
    with pytest.raises(InputError, match="a model for tags, which has no answer; call tag"):
        tagger.answer([("a", "b")])
    with pytest.raises(InputError, match="a model for tags, which has no probabilities; call tag"):
        tagger.probabilities(["a"])
    with pytest.raises(InputError, match="which has no tag; call predict"):
        predictor.tag(["a"])
    assert dataclasses.is_dataclass(tagger.predict(["a"])[0]) and tagger.problem_type == "tags"


@pytest.fixture(scope="module")
def reader_place(tmp_path_factory):
    return reader_folder(tmp_path_factory.mktemp("reader"))


@pytest.fixture(scope="module")
def reader(reader_place):
    return Predictor(reader_place)


def test_answers_are_the_best_spans_of_the_logits_of_transformers(reader, reader_place, tmp_path):
    """transformers 5 has no pipeline for it; what that of 4 did is restated: the best of all spans that may be one."""
    transformers = pytest.importorskip("transformers", reason="make peers")
    torch = pytest.importorskip("torch", reason="make peers")
    model = transformers.AutoModelForQuestionAnswering.from_pretrained(reader_place).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(reader_place)
    found = reader.answer(QUESTIONS)
    for (question, context), answer in zip(QUESTIONS, found, strict=True):
        inputs = tokenizer(question, context, return_tensors="pt", return_offsets_mapping=True)
        places = inputs.pop("offset_mapping")[0].tolist()
        with torch.no_grad():
            outputs = model(**inputs)
        starts, ends = (one[0].numpy() for one in (outputs.start_logits, outputs.end_logits))
        inside = [i for i, part in enumerate(inputs.sequence_ids(0)) if part == 1]
        spans = [(starts[i] + ends[j], i, j) for i in inside for j in inside if i <= j]
        _, first, last = max(spans)
        start, end = places[first][0], places[last][1]
        assert (answer.start, answer.end, answer.text) == (start, end, context[start:end])
        scores = np.array([score for score, _, _ in spans])
        assert answer.score >= np.exp(scores.max()) / np.exp(scores).sum() - 1e-6, "of 20 more likely than of all"
    assert len({one.text for one in found}) > 1
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    assert [one.text for one in Predictor(tmp_path).answer(QUESTIONS)] == [one.text for one in found]


def test_answers_stand_where_they_are_said_to(reader):
    for answer in reader.answer([*QUESTIONS, *((text or "a", CONTEXT * 9) for text in ("a", "b c"))]):
        assert answer.null_score is None and len(answer.nbest) == 20
        assert sum(one["score"] for one in answer.nbest) == pytest.approx(1)
        context = CONTEXT * 9
        for one in answer.nbest:
            assert one["text"] == context[one["start"] : one["end"]] != ""


def test_a_question_without_an_answer(tmp_path, reader):
    rules = {"has_unanswerable": True, "null_score_diff_threshold": -1e9}
    [none] = Predictor(reader_folder(tmp_path, answer_rules=rules)).answer(QUESTIONS[:1])
    assert (none.text, none.start, none.end) == ("", None, None) and "''" in repr(none)
    assert any(one["text"] == "" and one["start"] is None for one in none.nbest)
    [given] = reader.answer(QUESTIONS[:1])
    best = next(one for one in none.nbest if one["text"])
    assert best["text"] == given.text and none.score == next(one["score"] for one in none.nbest if not one["text"])
    assert np.exp(none.null_score) == pytest.approx(none.score / best["score"], rel=1e-4)


@pytest.mark.parametrize(
    "entries, message",
    [
        ({"answer_rules": {"n_best_size": 0}}, "answer_rules is .*n_best_size and max_answer_length above 0"),
        ({"answer_rules": [1]}, "answer_rules is "),
        ({"question_windows": {"doc_stride": 3}}, "question_windows is .*doc_stride and max_query_length above 0"),
    ],
)
def test_a_folder_that_says_what_cannot_be(tmp_path, entries, message):
    with pytest.raises(InputError, match=message):
        Predictor(reader_folder(tmp_path, **entries))


@pytest.mark.parametrize(
    "given, message",
    [
        ("a", r"questions\[1\]: 'a', of type str; a question and its context are needed"),
        (("a", None), r"questions\[1\]: the context is None, a missing value"),
        (("a", " \n"), r"questions\[1\]: the context is empty"),
        (("", "a"), r"questions\[1\]: the question is empty"),
        ({"question": "a"}, r"questions\[1\]: a dict of question; question and context are needed"),
    ],
)
def test_what_is_no_question(reader, given, message):
    with pytest.raises(InputError, match=message):
        reader.answer([{"question": "a", "context": "b"}, given])
