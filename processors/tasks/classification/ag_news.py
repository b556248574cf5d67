"""AG News, four topics (Zhang et al., 2015, section 4)."""

import os

from bertline import registry
from bertline.processors.files.folders import exists
from bertline.processors.tables.table_processor import Table, TableProcessor, log


def _csv(split):
    return Table(f"{split}.csv", text_a=(1, 2), label=0, header=False, delimiter=",", quotechar='"')


def _tsv(split):
    return Table(f"{split}.tsv", text_a=0, label=1, header=None)


def _there(data_dir, split):
    return any(exists(os.path.join(data_dir, f"{split}.{ending}")) for ending in ("tsv", "csv"))


@registry.register("processor", "ag-news", "agnews")
class AgNewsProcessor(TableProcessor):
    """Topics of news. The authors' CSV (class 1-4, title, description; no header), or TSV (text, name of the topic).

    The data set has no dev split. A dev file beside a train file is read as one; a dev file alone is training data.
    Where dev is missing, the test rows stand in, and the log says so.
    """

    labels = ("World", "Sports", "Business", "Sci/Tech")
    label_names = {str(number): name for number, name in enumerate(labels, 1)}
    tables = {
        "train": (_tsv("train"), _csv("train"), _tsv("dev"), _csv("dev")),
        "dev": (_tsv("dev"), _csv("dev")),
        "test": (_tsv("test"), _csv("test")),
    }

    def has_split(self, data_dir, split):
        """See base class."""
        return split != "dev" or all(_there(data_dir, both) for both in ("train", "dev"))

    def get_dev_examples(self, data_dir):
        """See base class."""
        if self.has_split(data_dir, "dev"):
            return super().get_dev_examples(data_dir)
        log.warning("%s: no dev split beside the training data; evaluating on the test rows", data_dir)
        return self.get_test_examples(data_dir)
