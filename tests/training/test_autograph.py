"""Nothing here is rewritten by AutoGraph, whose files stay in the temporary folder when a process is killed."""

import ast
import pathlib

import pytest
import tensorflow as tf
from tensorflow.python.autograph.pyct import loader

from bertline.modeling.encoders.transformers.bert import Bert, BertConfig
from bertline.modeling.objectives.language_models import mask_filling
from bertline.modeling.objectives.language_models.masked_lm import MaskedLM
from bertline.processors.corpora.masked.dynamic_masking import DynamicMasking
from bertline.processors.layouts.packed import Packed
from bertline.processors.records import batches
from bertline.processors.records.feature_spec import EXAMPLE_INDEX
from bertline.processors.records.record_files import RecordSet
from bertline.processors.tokenization import FullTokenizer
from bertline.serving.prediction.predictor import Predictor

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def rewritten(monkeypatch):
    """The sources that AutoGraph wrote into files."""
    found, load = [], loader.load_source
    monkeypatch.setattr(loader, "load_source", lambda source, *more: (found.append(source), load(source, *more))[1])
    return found


def test_the_fixture_sees_what_is_rewritten(rewritten):
    tf.function(lambda x: x if x > 0 else -x)(tf.constant(1))
    tf.data.Dataset.range(3).map(lambda x: x + 1)
    assert len(rewritten) == 2


@pytest.mark.slow
def test_training_evaluation_and_prediction(whole_run, rewritten):
    Predictor(whole_run[0]).predict(["fed"])
    assert whole_run[1] == rewritten == []


@pytest.mark.slow
def test_batches_of_every_kind(whole_run, rewritten):
    (path,) = map(str, (whole_run[0] / "records").glob("train-*.tfrecord"))
    spec = {**Packed.spec, **EXAMPLE_INDEX}
    found = RecordSet([path, path], spec, 16, 12, "key", numbered=False, has_padding=True, interleaved=True)
    for data in (
        batches.train_batches(found, 2, 1),
        batches.evaluation_batches(found, 24, [4, 12], 2),
        batches.whole_batches(found, 2),
    ):
        next(iter(data))
    assert rewritten == []


@pytest.mark.slow
def test_pre_training(classifier, rewritten):
    tokenizer = FullTokenizer(classifier / "vocab.txt")
    encoder = Bert(BertConfig.from_json_file(str(classifier / "config.json")))
    assert (
        len(list(mask_filling.text_predictions(MaskedLM(encoder), ["a [MASK]", "a b"], Packed(tokenizer, 12), 2))) == 2
    )
    ones = tf.ones([2, 5], tf.int32)
    rows = tf.data.Dataset.from_tensors({"input_ids": ones, "input_mask": ones})
    masking = DynamicMasking(tokenizer.mask_id, tokenizer.vocab_size, [tokenizer.cls_id], 2, 0.15)
    next(iter(rows.enumerate().map(batches.as_it_is(masking))))
    assert rewritten == []


def test_every_graph_and_every_map_of_the_sources_says_so():
    """What no run above comes to."""
    for path in ROOT.rglob("*.py"):
        if path.relative_to(ROOT).parts[0] in ("tests", "benchmarks", "docs", ".venv", "models", "output"):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        graphs = [n for n in ast.walk(tree) if isinstance(n, ast.Attribute) and ast.unparse(n) == "tf.function"]
        saying = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and ast.unparse(node.func) == "tf.function"
            and "autograph=False" in map(ast.unparse, node.keywords)
        ]
        assert len(graphs) == len(saying), path
