"""MR, the polarity of sentences from film reviews (Pang and Lee, 2005, section 2; sentence polarity dataset v1.0)."""

from bertline import registry
from bertline.processors.base import DataProcessor, InputExample
from bertline.processors.files.folders import AbsentError, find_file
from bertline.processors.files.text_files import read_lines


@registry.register("processor", "mr")
class MrProcessor(DataProcessor):
    """Is a sentence positive (1) or negative (0)? Latin-1 lines in rt-polarity.pos and rt-polarity.neg.

    The data set has no splits: all rows are the training split, and scores are by cross validation.
    """

    encoding = "latin-1"
    files = {"0": ("rt-polarity.neg",), "1": ("rt-polarity.pos",)}

    def get_train_examples(self, data_dir):
        """See base class."""
        examples = []
        for label, names in self.files.items():
            path = find_file(data_dir, *names)
            for number, line in enumerate(read_lines(path, self.encoding, "--encoding"), 1):
                guid = f"train-{len(examples)}"
                examples.append(InputExample(guid, line.strip(), label=label, source=f"{path}:{number}"))
        return examples

    def get_dev_examples(self, data_dir):
        """See base class."""
        raise _no_split(data_dir, "dev")

    def get_test_examples(self, data_dir):
        """See base class."""
        raise _no_split(data_dir, "test")

    def has_split(self, data_dir, split):
        """See base class."""
        return split == "train"

    def get_labels(self):
        """See base class."""
        return list(self.files)


def _no_split(data_dir, split):
    return AbsentError(
        f"{data_dir}: MR has no {split} split; evaluate_vectors.py cross-validates, run_classifier.py needs a part of "
        "the rows as a file of its own (--task_name=tsv)"
    )
