"""A whole run of fine-tuning, made once for the tests that look at its folder."""

import pytest
import small_classifiers
from one_run import fine_tuning
from tensorflow.python.autograph.pyct import loader


@pytest.fixture(scope="session")
def classifier(tmp_path_factory):
    """A folder of a model with a head of two classes."""
    return small_classifiers.classifier_folder(tmp_path_factory.mktemp("classifier"), count=2)


@pytest.fixture(scope="session")
def whole_run(classifier, tmp_path_factory):
    """(output folder, whose name is a pattern of TensorFlow's and of the shell's; sources that AutoGraph rewrote)."""
    out = tmp_path_factory.mktemp("runs") / "run[1] *?, ü"
    found, load = [], loader.load_source
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loader, "load_source", lambda source, *more: (found.append(source), load(source, *more))[1])
        assert fine_tuning(classifier, out, save_checkpoints_steps=3).run() == 0
    return out, found
