"""--encoding in every script that reads text: what is not UTF-8 is read as it says, and refused with its name else."""

import dataclasses
import gzip
import importlib

import pytest

from bertline import build_vocab, registry
from bertline.errors import InputError
from bertline.processors.corpora.making import instance_shards
from bertline.processors.vocabulary.words import BasicWords
from bertline.serving.texts import input_lines
from bertline.settings.scripts.build_vocab import VocabularySettings
from bertline.settings.scripts.create_pretraining_data import PretrainingDataSettings
from bertline.settings.scripts.evaluate_vectors import EvaluationSettings
from bertline.settings.scripts.extract_features import ExtractionSettings
from bertline.settings.scripts.run_classifier import ClassifierSettings
from bertline.settings.scripts.run_pretraining import PretrainingSettings
from bertline.training.jobs import task_files
from bertline.vector_evaluation.tasks import read_tasks

TEXT, OTHER = "房间很大", "物流太慢了"


def vocabulary(path, **settings):
    return sorted(build_vocab.count(VocabularySettings(input_file=path, **settings), BasicWords(True)))


def corpus(path, **settings):
    run = PretrainingDataSettings(input_file=path, **settings)
    made = instance_shards.make_corpus(run, [path], registry.get("corpus", run.instances))
    return [sentence for _, found in made.documents() for sentence in found]


def extraction(path, **settings):
    run = ExtractionSettings(input_file=path, **settings)
    found = list(input_lines.strip_lines(path, run.encoding))
    assert input_lines.count_texts(run) in (len(found), None)
    return found


def predict_file(path, **settings):
    run = PretrainingSettings(predict_file=path, **settings)
    return importlib.import_module("bertline.training.jobs.corpus_data").read_texts(run.predict_file, run.encoding)


READERS = {"build_vocab": vocabulary, "create": corpus, "extract": extraction, "pretraining": predict_file}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "utf-16-le"])
def test_files_of_lines(tmp_path, reader, encoding):
    path = tmp_path / "a.txt.gz"
    for pack in (gzip.compress, bytes):
        path.write_bytes(pack((f"{TEXT}\n{OTHER}\n" * 2).encode(encoding)))
        found = reader(str(path), encoding=encoding)
        assert found == (sorted(set(TEXT + OTHER)) if reader is vocabulary else [TEXT, OTHER] * 2)
        with pytest.raises(InputError, match=rf"--encoding={encoding}\b.* reads"):
            reader(str(path))


def test_tables(tmp_path):
    """Own tables and the files of a built-in task, in training and in the evaluation of vectors."""
    rows = "label\ttext_a\n" + f"1\t{TEXT}\n0\t{OTHER}\n" * 4
    (tmp_path / "train.tsv").write_bytes(rows.encode("gb18030"))
    for name in ("tsv", "chnsenticorp"):
        run = ClassifierSettings(task_name=name, data_dir=str(tmp_path), do_train=True, output_dir="o")
        with pytest.raises(InputError, match=r"train.tsv:2: .* --encoding=gb18030 reads “房间很大”"):
            task_files.read_examples(run, task_files.make_processor(run))
        run = dataclasses.replace(run, encoding="gb18030")
        train = task_files.read_examples(run, task_files.make_processor(run))["train"]
        assert [(example.label, example.text_a) for example in train] == [("1", TEXT), ("0", OTHER)] * 4
    run = EvaluationSettings(init_checkpoint="m", tasks=f"{tmp_path}/train.tsv", folds=2, encoding="gb18030")
    assert [example.text_a for example in read_tasks(run)[0].scored] == [TEXT, OTHER] * 4


def test_data_sets_that_are_latin_1_may_come_in_another_encoding(tmp_path):
    for encoding in (None, "utf-8"):
        (tmp_path / "train_5500.label").write_text("LOC:city Où est Genève ?\n", encoding=encoding or "latin-1")
        run = ClassifierSettings(
            task_name="trec", data_dir=str(tmp_path), do_train=True, output_dir="o", encoding=encoding
        )
        (found,) = task_files.read_examples(run, task_files.make_processor(run))["train"]
        assert found.text_a == "Où est Genève ?"
