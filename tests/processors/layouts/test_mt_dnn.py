"""Texts and pairs as MT-DNN prepares them: its own integration test's files, of BERT's uncased vocabulary."""

import json
import pathlib

import pytest

from bertline.processors.base import InputExample
from bertline.processors.labels.base import make_labels
from bertline.processors.layouts.packed import Packed
from bertline.processors.tokenization import FullTokenizer

pytestmark = pytest.mark.real_data
MNLI = ["contradiction", "neutral", "entailment"]  # in the order of its glue_task_def.yml
LABELS = {
    "cola": make_labels("single_label_classification", ["0", "1"]),
    "mnli": make_labels("single_label_classification", MNLI),
    "stsb": make_labels("regression"),
}


@pytest.mark.parametrize("task", LABELS)
def test_prepared_features_are_those_of_mt_dnn(task, golden_dir, minilm):
    folder = golden_dir / "techniques" / "mt_dnn"
    rows = [line.split("\t") for line in (folder / f"{task}_train.tsv").read_text().splitlines()]
    expected = [json.loads(line) for line in (folder / f"{task}_train.json").read_text().splitlines()]
    layout = Packed(FullTokenizer(pathlib.Path(minilm) / "vocab.txt"), 512)
    examples = [
        InputExample(uid, *texts, label=label if LABELS[task].names else float(label))
        if len(texts) == 2
        else InputExample(uid, texts[0], label=label)
        for uid, label, *texts in rows
    ]
    assert len(examples) == len(expected) == 5
    for example, [found], golden in zip(examples, layout.features(examples), expected):
        assert found["input_ids"].tolist() == golden["token_id"]
        assert found["segment_ids"].tolist() == golden["type_id"]
        label = LABELS[task].encode(example.label)["label_ids"]
        assert float(label) == pytest.approx(golden["label"])
