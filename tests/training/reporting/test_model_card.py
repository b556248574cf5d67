"""The card of a model: what huggingface_hub and a person read in it."""

import shlex

import pytest
import small_models
from absl import flags

from bertline import registry
from bertline.settings.fine_tuning import FineTuningSettings
from bertline.settings.scripts.run_classifier import ClassifierSettings
from bertline.settings.scripts.run_pretraining import PretrainingSettings
from bertline.training.reporting import model_card

SPLITS = [
    model_card.Split("train", 60, 3, "data/train.tsv"),
    model_card.Split("dev", 20, 0, "a|b.tsv"),
    model_card.Split("test", 9, None, "test.tfrecord"),
]
SCORES = {"dev": {"accuracy": 0.75, "loss": float("nan")}, "test": {}}
LABELS = ["good", "bad\nline", "so|so"]


@pytest.fixture(scope="module")
def objective():
    return small_models.objective("sequence_classification", num_hidden_layers=1)


@pytest.fixture
def card(tmp_path, objective):
    """card(**settings) -> text of the card of a run in a folder with an odd name."""

    def make(**settings):
        run = ClassifierSettings(task_name="tsv", do_train=True, output_dir=str(tmp_path / "my: 'run'"), **settings)
        model_card.write(run.output_dir, run, objective, None, SPLITS, SCORES, LABELS)
        return (tmp_path / "my: 'run'" / "model" / "README.md").read_text(encoding="utf-8")

    return make


def test_huggingface_hub_reads_it(card):
    hub = pytest.importorskip("huggingface_hub", reason="make peers")
    data = hub.ModelCard(card()).data
    assert data.pipeline_tag == "text-classification" and data.library_name == "transformers"
    assert data.tags == ["bertline", "bert"] and data.license is None and data.model_name == "my: 'run'"
    [result] = data.eval_results
    assert (result.task_type, result.dataset_type, result.dataset_name) == ("text-classification", "tsv", "tsv, dev")
    assert (result.metric_type, result.metric_value) == ("accuracy", 0.75)


def test_a_person_reads_data_scores_command_and_limits(card):
    text = card(max_seq_length=32, label_column="the label")
    for line in (
        "| train | 60 | 3 | data/train.tsv |",
        "| dev | 20 | 0 | a\\|b.tsv |",
        "| test | 9 | unknown | test.tfrecord |",
        "| dev | accuracy | 0.7500 |",
        "- Texts are cut to 32 tokens, special ones included.",
        "Not known. Say it here",
    ):
        assert line in text
    assert "no others, whatever the text: good, bad line, so\\|so." in text
    assert "python run_classifier.py \\\n  --output_dir=" in text and "--label_column='the label'" in text


def test_its_command_gives_the_settings_back(tmp_path):
    """As absl reads them: a flag of several values is given several times."""
    run = ClassifierSettings(plugin=("a.py", "b c.py"), do_eval=True, num_train_epochs=0.5, output_dir=str(tmp_path))
    _, script, *given = shlex.split(model_card.command(run).replace("\\\n", ""))
    values = flags.FlagValues()
    flags.DEFINE_multi_string("plugin", [], "", flag_values=values)
    flags.DEFINE_bool("do_eval", False, "", flag_values=values)
    flags.DEFINE_float("num_train_epochs", 3.0, "", flag_values=values)
    flags.DEFINE_string("output_dir", None, "", flag_values=values)
    assert script == "run_classifier.py" and values([script, *given]) == [script]
    assert (tuple(values.plugin), values.num_train_epochs) == (run.plugin, 0.5)
    assert (values.do_eval, values.output_dir) == (True, run.output_dir)


def test_without_a_score(tmp_path, objective):
    hub = pytest.importorskip("huggingface_hub", reason="make peers")
    model_card.write(str(tmp_path), FineTuningSettings(do_train=True), objective, None, SPLITS[:1], {}, LABELS)
    text = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    assert hub.ModelCard(text).data.eval_results is None and "Not evaluated by the command below." in text


@pytest.mark.parametrize("place", ["", "model"])
def test_the_licence_is_that_of_the_card_beside_the_starting_weights(card, tmp_path, place):
    start = tmp_path / "start" / place
    start.mkdir(parents=True)
    (start / "README.md").write_text("---\ntags: [a]\nlicense: apache-2.0\n---\n# x\nlicense: mit\n", encoding="utf-8")
    text = card(init_checkpoint=str(tmp_path / "start"))
    assert "\nlicense: apache-2.0\n" in text and text.endswith("## Licence\n\napache-2.0\n")
    (start / "README.md").write_text("# x\n\nlicense: mit\n", encoding="utf-8")
    assert "license: mit" not in card(init_checkpoint=str(tmp_path / "start"))


def test_the_command_is_what_differs_from_the_defaults():
    run = PretrainingSettings(input_file="a b.tfrecord", do_train=True, do_lower_case=False, learning_rate=1e-3)
    assert model_card.command(run) == (
        "python run_pretraining.py \\\n  --nodo_lower_case \\\n  --learning_rate=0.001 \\\n"
        "  --input_file='a b.tfrecord' \\\n  --do_train"
    )


@pytest.mark.parametrize("name", ["sequence_classification", "similarity_regression", "masked_lm", "response_ranking"])
def test_every_objective_has_its_tag(name):
    assert registry.get("objective", name).pipeline_tag in ("text-classification", "sentence-similarity", "fill-mask")
