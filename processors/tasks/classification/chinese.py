"""Chinese sentences and sentence pairs of two classes."""

from bertline import registry
from bertline.processors.tables.table_processor import Table, TableProcessor


def _files(text_a, text_b=None, label=None):
    """train, dev and test, .tsv or .csv, with or without a header; test may lack the label column."""
    formats = {"tsv": {"delimiter": "\t"}, "csv": {"delimiter": ",", "quotechar": '"'}}
    unlabelled = {"text_a": 0} if text_b is None else {"text_a": 0, "text_b": 1}
    tables = {"train": (), "dev": (), "test": ()}
    for ending, options in formats.items():
        for split in tables:
            tables[split] += (Table(f"{split}.{ending}", text_a, text_b, label, header=None, **options),)
        tables["test"] += (Table(f"test.{ending}", **unlabelled, header=None, **options),)
    return tables


@registry.register("processor", "chnsenticorp")
class ChnSentiCorpProcessor(TableProcessor):
    """Sentiment of reviews (Tan and Zhang, 2008): label, text_a."""

    labels = ("0", "1")
    tables = _files(text_a=1, label=0)


@registry.register("processor", "lcqmc")
class LcqmcProcessor(TableProcessor):
    """Do two questions mean the same (Liu et al., 2018): text_a, text_b, label."""

    labels = ("0", "1")
    tables = _files(text_a=0, text_b=1, label=2)


@registry.register("processor", "sim")
class SimProcessor(TableProcessor):
    """Do two sentences mean the same, as many Chinese projects store it: label, text_a, text_b."""

    labels = ("0", "1")
    tables = _files(text_a=1, text_b=2, label=0)
