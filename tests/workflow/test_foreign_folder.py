"""A folder that google-research/bert trained in: it predicts here, and nothing in it is ever lost."""

import json
import shutil

import numpy as np
import pytest
import tensorflow as tf

from bertline.modeling.encoders.transformers.bert import Bert, BertConfig
from bertline.modeling.objectives.classification.sequence_classification import SequenceClassification
from bertline.processors.tokenization import FullTokenizer
from bertline.weights.load_save import save_huggingface


@pytest.fixture(scope="module")
def classifier(tiny_bert):
    """A BERT with random weights and a head of two classes."""
    tf.random.set_seed(5)
    config = BertConfig.from_dict(json.loads((tiny_bert / "config.json").read_text()))
    objective = SequenceClassification(Bert(config), 2, "single_label_classification")
    draw = np.random.default_rng(5)
    for _, variable in sorted(objective.named_weights().items()):
        variable.assign(draw.normal(0.0, 0.2, variable.shape))
    return objective


@pytest.fixture(scope="module")
def foreign(classifier, tiny_bert, tmp_path_factory):
    """What the original leaves after 343 steps: name-based checkpoints with Adam's slots, the newest named."""
    folder = tmp_path_factory.mktemp("original")
    weights = {name: np.asarray(variable) for name, variable in classifier.named_weights().items()}
    for step, factor in ((300, 0.5), (343, 1.0)):
        tensors = {name: (value * factor).astype(np.float32) for name, value in weights.items()}
        tensors |= {f"{name}/adam_m": value for name, value in tensors.items()} | {"global_step": np.int64(step)}
        tf.raw_ops.SaveV2(
            prefix=str(folder / f"model.ckpt-{step}"),
            tensor_names=list(tensors),
            tensors=list(tensors.values()),
            shape_and_slices=[""] * len(tensors),
        )
        (folder / f"model.ckpt-{step}.meta").write_bytes(b"graph")
    names = [f"/home/somebody/cola/model.ckpt-{step}" for step in (343, 300, 343)]
    keys = ("model_checkpoint_path", *["all_model_checkpoint_paths"] * 2)
    (folder / "checkpoint").write_text("".join(f'{key}: "{name}"\n' for key, name in zip(keys, names)))
    for name in ("graph.pbtxt", "eval/events.out.tfevents.1.host", "events.out.tfevents.1.host", "eval.tf_record"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("x")
    shutil.copyfile(tiny_bert / "config.json", folder.parent / "bert_config.json")
    return folder


def flags(folder, tiny_bert, *more):
    return (
        "--task_name=COLA",
        f"--bert_config_file={tiny_bert}/config.json",
        f"--vocab_file={tiny_bert}/vocab.txt",
        "--init_checkpoint=None",
        f"--output_dir={folder}",
        "--num_gpus=0",
        *more,
    )


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_it_predicts_as_the_same_weights_do(foreign, classifier, classify, tiny_bert, cola_dir, tmp_path):
    folder, data = shutil.copytree(foreign, tmp_path / "out"), f"--data_dir={cola_dir}"
    ran = classify(*flags(folder, tiny_bert, data, "--do_predict", "--do_eval"))
    assert f"another program's run: the weights of {folder}/model.ckpt-343 are used" in ran.stderr
    weights = tmp_path / "weights"
    save_huggingface(classifier, weights, FullTokenizer(tiny_bert / "vocab.txt"))
    classify(
        "--task_name=COLA",
        data,
        "--do_predict",
        "--do_eval",
        f"--init_checkpoint={weights}",
        f"--output_dir={tmp_path}/other",
        "--num_gpus=0",
    )
    found, wanted = (np.loadtxt(out / "test_results.tsv") for out in (folder, tmp_path / "other"))
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    assert np.ptp(found[:, 0]) > 0.001
    assert "global_step = 343" in (folder / "eval_results.txt").read_text()
    after = contents(folder)
    assert contents(foreign).items() <= after.items()


def test_it_is_not_trained_in(foreign, classify, tiny_bert, cola_dir, tmp_path):
    folder = shutil.copytree(foreign, tmp_path / "out")
    ran = classify(*flags(folder, tiny_bert, f"--data_dir={cola_dir}", "--do_train", "--do_predict"), status=2)
    assert ran.stderr.splitlines()[-1] == (
        f"error: {folder} holds a run of another program (model.ckpt-343); give another --output_dir; "
        f"--init_checkpoint={folder}/model.ckpt-343 starts from its weights"
    )
    assert contents(folder) == contents(foreign)


def test_beginning_anew_from_its_own_weights(foreign, classify, tiny_bert, cola_dir, tmp_path):
    folder = shutil.copytree(foreign, tmp_path / "out")
    given = flags(
        folder,
        tiny_bert,
        f"--data_dir={cola_dir}",
        "--do_train",
        "--overwrite_output_dir",
        "--num_train_epochs=1",
        f"--init_checkpoint={folder}/model.ckpt-343",
        "--train_batch_size=20",
    )
    given = tuple(flag for flag in given if flag != "--init_checkpoint=None")
    ran = classify(*given)
    assert f"weights from TensorFlow checkpoint {folder}/model.ckpt-343" in ran.stderr
    after = contents(folder)
    assert all(content == after[name] for name, content in contents(foreign).items() if name.name != "checkpoint")
    assert {name.name for name in after} >= {"model.safetensors", "model.ckpt-3.index"}


def test_pretraining(foreign, script, tiny_bert, tmp_path):
    folder = shutil.copytree(foreign, tmp_path / "out")
    (tmp_path / "texts.txt").write_text("the sky is [MASK] .\n")
    common = (
        f"--bert_config_file={tiny_bert}/config.json",
        f"--vocab_file={tiny_bert}/vocab.txt",
        "--num_gpus=0",
        f"--output_dir={folder}",
        "--max_seq_length=16",
    )
    records = tmp_path / "records.tfrecord"
    records.write_bytes(b"")
    ran = script("run_pretraining.py", "--do_train", f"--input_file={records}", *common)
    assert ran.wait() == 2 and "holds a run of another program (model.ckpt-343)" in ran.stderr.splitlines()[-1]
    ran = script("run_pretraining.py", "--do_predict", f"--predict_file={tmp_path}/texts.txt", *common)
    assert ran.wait() == 2  # a classifier has no masked-LM head; its weights were read
    assert f"{folder}/model.ckpt-343 is not trained for this task" in ran.stderr.splitlines()[-1]
    assert contents(folder) == contents(foreign)
