"""A task of somebody else's: a sentence a line, each word with its tag behind a slash."""

import os

from bertline import registry
from bertline.processors.base import DataProcessor, TaggedWords
from bertline.processors.files.text_files import read_lines


@registry.register("processor", "slashes")
class SlashesProcessor(DataProcessor):
    """the/O scarlet/B-red door/O"""

    problem_type = "tags"
    metrics = ("entity_f1", "tag_accuracy")

    def get_train_examples(self, data_dir):
        return self._read(data_dir, "train")

    def get_dev_examples(self, data_dir):
        return self._read(data_dir, "dev")

    get_test_examples = get_dev_examples

    def get_labels(self):
        return ["O", "B-red", "B-green", "B-blue"]

    def _read(self, data_dir, split):
        examples = []
        for number, line in enumerate(read_lines(os.path.join(data_dir, f"{split}.slashes")), 1):
            words, tags = zip(*(part.rsplit("/", 1) for part in line.split()))
            examples.append(TaggedWords(f"{split}-{number}", words, tags, f"{split}.slashes:{number}"))
        return examples
