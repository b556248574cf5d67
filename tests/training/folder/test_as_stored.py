"""Pre-training that goes on from a checkpoint has the head that the checkpoint has."""

import json
import shutil

import pytest

from bertline import registry
from bertline.settings.scripts.run_pretraining import PretrainingSettings
from bertline.training.folder.as_stored import as_stored
from bertline.weights.load_save import load_weights, open_weights


@pytest.fixture
def folder(golden_dir, tmp_path):
    """bilm-tf's training of a model of words, whose softmax is the table of its embeddings."""
    for name in ("options.json", "model.ckpt-8.index", "model.ckpt-8.data-00000-of-00001"):
        shutil.copyfile(golden_dir / "bilm" / "words" / name, tmp_path / name)
    return tmp_path


def stored(*given, objective="bidirectional_lm", do_train=True, **settings):
    run = PretrainingSettings(objective=objective, do_train=do_train, output_dir="none", **settings)
    return as_stored(run, lambda name: name in given).share_embedding_softmax


@pytest.mark.real_data
def test_a_softmax_that_is_the_table_of_words(folder, caplog):
    caplog.set_level("INFO")
    assert stored(init_checkpoint=str(folder))
    assert "has --share_embedding_softmax=True: taken" in caplog.text
    source = open_weights(folder)
    encoder_class = registry.get("encoder", "elmo")
    objective = registry.get("objective", "bidirectional_lm")(
        encoder_class(encoder_class.config_class.from_dict(source.config)), share_embedding_softmax=True
    )
    report = load_weights(objective, source, required=lambda name: True)
    assert not report.unused and "lm/softmax/b" in report.matched


@pytest.mark.real_data
def test_what_is_given_is_obeyed(folder, caplog):
    caplog.set_level("INFO")
    assert not stored("share_embedding_softmax", init_checkpoint=str(folder))
    assert "has --share_embedding_softmax=True: here it is False, as given" in caplog.text


@pytest.mark.real_data
def test_what_says_nothing_changes_nothing(folder):
    assert not stored()
    assert not stored(objective="causal_lm", init_checkpoint=str(folder))
    options = json.loads((folder / "options.json").read_text())
    del options["share_embedding_softmax"]
    (folder / "options.json").write_text(json.dumps(options))
    assert not stored(init_checkpoint=str(folder))
    # No checkpoint is looked for where its run was asked before.
    assert not stored(do_train=False, init_checkpoint=None)
