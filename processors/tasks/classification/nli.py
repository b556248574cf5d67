"""Natural language inference beside GLUE: SNLI (Bowman et al., 2015) and XNLI (Conneau et al., 2018)."""

from bertline import registry
from bertline.options import Option
from bertline.processors.tables.table_processor import Table, TableProcessor


class _Inference(TableProcessor):
    labels = ("contradiction", "entailment", "neutral")
    label_names = {"contradictory": "contradiction"}
    no_label = ("-",)


@registry.register("processor", "snli")
class SnliProcessor(_Inference):
    """Image captions. GLUE's train.tsv (columns 7 and 8, gold_label is the last one) or Stanford's

    snli_1.0_train.txt (gold_label, 4 parses, sentence1, sentence2, ...). A gold_label of "-" is no agreed label.
    """

    tables = {
        split: (
            Table(f"{split}.tsv", text_a=7, text_b=8, label=-1),
            Table(f"snli_1.0_{split}.txt", text_a=5, text_b=6, label=0),
        )
        for split in ("train", "dev", "test")
    }


@registry.register("processor", "xnli")
class XnliProcessor(_Inference):
    """XNLI in one language, trained on MultiNLI translated into it (`multinli/multinli.train.zh.tsv`).

    Header of xnli.dev.tsv: language, gold_label, ..., sentence1 (6), sentence2 (7), ...; rows of other languages are
    not part of the task.

    Args:
      xnli_language: of the translated training data and the rows of dev and test.
    """

    options = {"xnli_language": Option("zh", "Language of the XNLI task.", shapes_weights=False)}

    def __init__(self, xnli_language="zh"):
        self.language = xnli_language
        self.tables = {
            "train": (Table(f"multinli/multinli.train.{xnli_language}.tsv", text_a=0, text_b=1, label=2),),
            "dev": (Table("xnli.dev.tsv", text_a=6, text_b=7, label=1),),
            "test": (Table("xnli.test.tsv", text_a=6, text_b=7, label=1),),
        }

    def _is_wanted(self, row, split):
        return split == "train" or row.column(0, "language") == self.language
