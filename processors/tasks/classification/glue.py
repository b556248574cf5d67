"""The GLUE tasks (Wang et al., 2018, https://gluebenchmark.com/tasks), in the files the benchmark hands out.

Labels, columns and guids of MRPC, CoLA and MNLI are those of google-research/bert. Quotes are text. The test files are
unlabelled: `label` is None there, where the original made up a class.
"""

from bertline import registry
from bertline.processors.tables.table_processor import Table, TableProcessor


def _files(text_a, text_b=None, label=None, test=None, **options):
    """train.tsv, dev.tsv and test.tsv; `test`: columns of the test file's texts where they are others."""
    test_text_a, test_text_b = test or (text_a, text_b)
    return {
        "train": (Table("train.tsv", text_a, text_b, label, **options),),
        "dev": (Table("dev.tsv", text_a, text_b, label, **options),),
        "test": (Table("test.tsv", test_text_a, test_text_b, **{**options, "header": True}),),
    }


@registry.register("processor", "cola")
class ColaProcessor(TableProcessor):
    """Is a sentence grammatical? No header: source, label, author's mark, sentence; test: index, sentence."""

    labels = ("0", "1")
    metrics = ("mcc", "accuracy")  # GLUE's, and the one that the original writes of every task
    tables = _files(text_a=3, label=1, test=(1, None), header=False)


@registry.register("processor", "sst-2", "sst2")
class Sst2Processor(TableProcessor):
    """Sentiment of film reviews. Header: sentence, label; test: index, sentence."""

    labels = ("0", "1")
    tables = _files(text_a=0, label=1, test=(1, None))
    tables["train"] += (Table("train_full.tsv", text_a=0, label=1),)


@registry.register("processor", "mrpc")
class MrpcProcessor(TableProcessor):
    """Do two sentences say the same? Header: Quality, #1 ID, #2 ID, #1 String, #2 String; test: index, #1 ID, ...

    Or the corpus's own msr_paraphrase_train.txt and msr_paraphrase_test.txt, which has labels; it has no dev split.
    """

    labels = ("0", "1")
    metrics = ("accuracy", "f1")
    tables = _files(text_a=3, text_b=4, label=0)
    tables["train"] += (Table("msr_paraphrase_train.txt", text_a=3, text_b=4, label=0),)
    tables["test"] += (Table("msr_paraphrase_test.txt", text_a=3, text_b=4, label=0),)


@registry.register("processor", "qqp")
class QqpProcessor(TableProcessor):
    """Are two questions the same? Header: id, qid1, qid2, question1, question2, is_duplicate; test: id, question1, ...

    A few rows of the official train.tsv are broken by line ends inside a question.
    """

    labels = ("0", "1")
    metrics = ("accuracy", "f1")
    tables = _files(text_a=3, text_b=4, label=5, test=(1, 2))
    leave_out_broken_rows = True


@registry.register("processor", "sts-b", "stsb")
class StsbProcessor(TableProcessor):
    """How similar are two sentences, 0 to 5? GLUE's files (header; genre, ..., sentence1, sentence2, score), or

    the benchmark's own sts-train.csv (tab-separated, no header: genre, file, year, id, score, sentence1, sentence2).
    """

    problem_type = "regression"
    metrics = ("pearson", "spearman")
    score_range = (0.0, 5.0)
    tables = {
        split: (*tables, Table(f"sts-{split}.csv", text_a=5, text_b=6, label=4, header=False))
        for split, tables in _files(text_a=7, text_b=8, label=9).items()
    }


@registry.register("processor", "mnli")
class MnliProcessor(TableProcessor):
    """Does a premise entail a hypothesis? Columns 8 and 9, the label is the last one; dev of the training genres."""

    labels = ("contradiction", "entailment", "neutral")
    set_types = {"dev": "dev_matched"}
    tables = {
        "train": (Table("train.tsv", text_a=8, text_b=9, label=-1, guid=0),),
        "dev": (Table("dev_matched.tsv", text_a=8, text_b=9, label=-1, guid=0),),
        "test": (Table("test_matched.tsv", text_a=8, text_b=9, guid=0),),
    }


@registry.register("processor", "mnli-mm")
class MnliMismatchedProcessor(MnliProcessor):
    """MNLI, evaluated on genres that are not in the training data."""

    set_types = {"dev": "dev_mismatched"}
    tables = {
        "train": MnliProcessor.tables["train"],
        "dev": (Table("dev_mismatched.tsv", text_a=8, text_b=9, label=-1, guid=0),),
        "test": (Table("test_mismatched.tsv", text_a=8, text_b=9, guid=0),),
    }


@registry.register("processor", "qnli")
class QnliProcessor(TableProcessor):
    """Does a sentence answer a question? Header: index, question, sentence, label; test without label."""

    labels = ("entailment", "not_entailment")
    tables = _files(text_a=1, text_b=2, label=3)


@registry.register("processor", "rte")
class RteProcessor(QnliProcessor):
    """Does one sentence entail another? Header: index, sentence1, sentence2, label; test without label."""


@registry.register("processor", "wnli")
class WnliProcessor(QnliProcessor):
    """Is a pronoun's sentence true with the name put in? Header: index, sentence1, sentence2, label."""

    labels = ("0", "1")
