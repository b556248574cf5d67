"""What a folder says of its classifier, and what run_classifier.py makes of it without training."""

import dataclasses
import json

import pytest

from bertline.errors import InputError
from bertline.modeling.configuration.head_fields import label_names, problem_type
from bertline.settings.scripts.run_classifier import ClassifierSettings
from bertline.training.jobs.task_files import make_processor
from bertline.weights.saved_head import read_saved_head

CLASSIFIER = {"architectures": ["BertForSequenceClassification"]}
SINGLE, SEVERAL, SCORE = "single_label_classification", "multi_label_classification", "regression"


@pytest.fixture
def folder(tmp_path):
    """make(config, place="model") -> a folder with that configuration."""

    def make(config, place="model", name="config.json"):
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
        (tmp_path / place / name).write_text(json.dumps(config))
        return tmp_path / place

    return make


@pytest.mark.parametrize(
    "config, labels, kind",
    [
        ({**CLASSIFIER, "id2label": {"1": "neu", "0": "neg", "2": "pos"}}, ("neg", "neu", "pos"), SINGLE),
        (CLASSIFIER, ("LABEL_0", "LABEL_1"), SINGLE),  # transformers leaves its default out
        ({**CLASSIFIER, "id2label": {"0": "LABEL_0"}}, None, SCORE),
        ({**CLASSIFIER, "id2label": {"0": "LABEL_0"}, "problem_type": SCORE}, None, SCORE),
        ({**CLASSIFIER, "id2label": {"0": "a", "1": "b"}, "problem_type": SEVERAL}, ("a", "b"), SEVERAL),
        ({**CLASSIFIER, "id2label": {"0": "a"}, "problem_type": SEVERAL}, ("a",), SEVERAL),
        ({**CLASSIFIER, "id2label": {str(i): i for i in range(11)}}, tuple(map(str, range(11))), SINGLE),
        ({**CLASSIFIER, "id2label": {"0": True, "1": False}, "label2id": {"true": "0"}}, ("true", "false"), SINGLE),
    ],
)
def test_what_a_configuration_says(folder, config, labels, kind):
    head = read_saved_head(folder(config))
    assert (head.labels, head.problem_type) == (labels, kind)


def test_it_is_what_transformers_says(tmp_path):
    transformers = pytest.importorskip("transformers", reason="make peers")
    torch = pytest.importorskip("torch", reason="make peers")
    sizes = {
        "hidden_size": 4,
        "num_hidden_layers": 1,
        "num_attention_heads": 1,
        "intermediate_size": 4,
        "vocab_size": 9,
    }
    for number, more in enumerate(({}, {"num_labels": 1}, {"num_labels": 3}, {"id2label": {0: "no", 1: "yes"}})):
        config = transformers.BertConfig(**sizes, **more)
        transformers.BertForSequenceClassification(config).to(torch.float16).save_pretrained(tmp_path / str(number))
        again = transformers.AutoConfig.from_pretrained(tmp_path / str(number))
        head = read_saved_head(tmp_path / str(number))
        assert head.labels == (None if again.num_labels == 1 else tuple(again.id2label.values()))


@pytest.mark.parametrize(
    "config",
    [
        {"architectures": ["BertModel"]},
        {"architectures": ["BertForMaskedLM"], "id2label": {"0": "a", "1": "b"}},
        {},
        {"architectures": ["BertForMultipleChoice"]},
    ],
)
def test_what_is_no_classifier_of_texts(folder, config):
    assert read_saved_head(folder(config)) is None


def test_tags_have_names_too(folder):
    head = read_saved_head(folder({"architectures": ["BertForTokenClassification"], "id2label": {"0": "O", "1": "B"}}))
    assert (head.objective, head.labels, head.problem_type) == ("token_classification", ("O", "B"), "tags")


@pytest.mark.parametrize("place", ["model", "run/model", "sentences/0_Transformer", "tf1"])
def test_places(folder, tmp_path, place):
    name = "bert_config.json" if place == "tf1" else "config.json"
    inner = folder({"id2label": {"0": "a", "1": "b"}}, place, name)
    given = {
        "model": inner,
        "run/model": inner.parent,
        "sentences/0_Transformer": inner.parent,
        "tf1": inner / "m.ckpt",
    }
    if place.startswith("sentences"):
        entry = {"path": "0_Transformer", "type": "sentence_transformers.models.Transformer"}
        (inner.parent / "modules.json").write_text(json.dumps([entry]))
    (inner / "m.ckpt.index").touch()
    (inner / "model.safetensors").touch()
    assert read_saved_head(given[place]).labels == ("a", "b")
    assert read_saved_head(inner / "model.safetensors").labels == ("a", "b")


def test_nothing_there(tmp_path, monkeypatch):
    """A folder that is not there yet: what lies beside its place is not asked."""
    (tmp_path / "config.json").write_text(json.dumps(CLASSIFIER))
    monkeypatch.chdir(tmp_path)
    for path in (None, "output", str(tmp_path / "output"), "gs://bucket/model", "https://tfhub.dev/model"):
        assert read_saved_head(path) is None


@pytest.mark.parametrize(
    "config, message",
    [
        ({**CLASSIFIER, "id2label": {"0": "a", "1": "b"}, "problem_type": SCORE}, "regression with 2 outputs"),
        ({**CLASSIFIER, "id2label": {"0": "a", "2": "b"}}, "id2label has the ids"),
        ({**CLASSIFIER, "problem_type": 5}, "problem_type is 5, one of"),
        ([1], "config.json: a JSON object is needed"),
    ],
)
def test_what_cannot_be(folder, config, message):
    with pytest.raises(InputError, match=message) as error:
        read_saved_head(folder(config))
    assert "config.json: " in str(error.value)


def test_without_a_number_of_outputs_none_is_checked():
    assert label_names({}) is None and problem_type({}, 1) == SCORE and problem_type({}, 2) == SINGLE


# The processor of a generic task.


def made(folder, *, asked=False, output_dir="none", **settings):
    run = ClassifierSettings(task_name="tsv", init_checkpoint=str(folder), output_dir=str(output_dir), do_predict=True)
    return make_processor(dataclasses.replace(run, **settings), asked)


def test_labels_are_the_models_own(folder):
    model = folder({**CLASSIFIER, "id2label": {"0": "neg", "1": "neu", "2": "pos"}})
    assert made(model).get_labels() == ["neg", "neu", "pos"]
    assert made(model, label_list="a,b,c").get_labels() == ["a", "b", "c"]
    assert made(folder(CLASSIFIER)).get_labels() == ["LABEL_0", "LABEL_1"]
    assert made(model, do_train=True).label_list is None


def test_the_problem_is_the_models_own(folder):
    several = folder({**CLASSIFIER, "id2label": {"0": "a", "1": "b"}, "problem_type": SEVERAL})
    assert (made(several).problem_type, made(several).get_labels()) == (SEVERAL, ["a", "b"])
    assert made(several, label_list="x,y").problem_type == SEVERAL
    assert made(several, asked=True).problem_type == SINGLE
    assert made(several, do_train=True).problem_type == SINGLE
    score = folder({**CLASSIFIER, "id2label": {"0": "LABEL_0"}}, "score")
    assert (made(score).problem_type, made(score).get_labels()) == (SCORE, [])


def test_a_run_knows_more_than_what_it_started_from(folder, tmp_path):
    start = folder({**CLASSIFIER, "id2label": {"0": "x", "1": "y"}})
    folder({**CLASSIFIER, "id2label": {"0": "a", "1": "b"}, "problem_type": SEVERAL}, "run/model")
    found = made(start, output_dir=tmp_path / "run")
    assert (found.problem_type, found.get_labels()) == (SEVERAL, ["a", "b"])


def test_a_task_with_labels_of_its_own_keeps_them(folder):
    model = folder({**CLASSIFIER, "id2label": {"0": "no", "1": "yes"}, "problem_type": SEVERAL})
    assert made(model, task_name="cola").get_labels() == ["0", "1"]
