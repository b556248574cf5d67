"""TREC question classes, 6 coarse or 50 fine (Li and Roth, 2002, section 2)."""

import logging

from bertline import registry
from bertline.errors import InputError
from bertline.processors.base import DataProcessor, InputExample
from bertline.processors.files.folders import find_file
from bertline.processors.files.text_files import read_lines

log = logging.getLogger(__name__)

_FINE = {
    "ABBR": "abb exp",
    "DESC": "def desc manner reason",
    "ENTY": "animal body color cremat currency dismed event food instru lang letter other plant product religion "
    "sport substance symbol techmeth termeq veh word",
    "HUM": "desc gr ind title",
    "LOC": "city country mount other state",
    "NUM": "code count date dist money ord other perc period speed temp volsize weight",
}


@registry.register("processor", "trec")
class TrecProcessor(DataProcessor):
    """What a question asks for, coarse classes. Latin-1 lines `COARSE:fine question`.

    The data set has no dev split: the 500 test questions stand in, and the log says so.
    """

    encoding = "latin-1"

    def get_train_examples(self, data_dir):
        """See base class."""
        return self._read(data_dir, "train", "TREC.train", "train_5500.label")

    def get_dev_examples(self, data_dir):
        """See base class."""
        log.warning("%s: TREC has no dev split; evaluating on the test rows", data_dir)
        return self.get_test_examples(data_dir)

    def get_test_examples(self, data_dir):
        """See base class."""
        return self._read(data_dir, "test", "TREC.test", "TREC_10.label")

    def has_split(self, data_dir, split):
        """See base class."""
        return split != "dev"

    def get_labels(self):
        """See base class."""
        return list(_FINE)

    def _label(self, coarse, fine):
        return coarse

    def _read(self, data_dir, split, *names):
        path = find_file(data_dir, *names)
        examples = []
        for index, line in enumerate(read_lines(path, self.encoding, "--encoding")):
            source = f"{path}:{index + 1}"
            label, _, question = line.partition(" ")
            coarse, _, fine = label.partition(":")
            if not (fine and question):
                raise InputError(f"{source}: {line[:40]!r}; `COARSE:fine question` is needed, as `LOC:city Where is`")
            examples.append(InputExample(f"{split}-{index}", question, label=self._label(coarse, fine), source=source))
        return examples


@registry.register("processor", "trec-fine")
class TrecFineProcessor(TrecProcessor):
    """TREC with the 50 fine classes, `LOC:city`."""

    def get_labels(self):
        """See base class."""
        return [f"{coarse}:{fine}" for coarse, names in _FINE.items() for fine in names.split()]

    def _label(self, coarse, fine):
        return f"{coarse}:{fine}"
