"""Polarity of whole film reviews (Pang and Lee, 2004, section 4; polarity dataset v2.0), documents of 700 words."""

import os
import re
import zipfile

from bertline import registry
from bertline.errors import InputError
from bertline.processors.base import DataProcessor, InputExample
from bertline.processors.files import encodings
from bertline.processors.files.folders import exists, find_file, list_files
from bertline.processors.files.text_files import read_lines

ARCHIVE, FOLDER = "movie_reviews.zip", "movie_reviews"
_NAME = re.compile(r"cv(\d)\d\d_\d+\.txt")
# The hundreds of a file's number are its fold in the authors' cross validation.
_FOLDS = {"train": "01234567", "dev": "8", "test": "9"}


@registry.register("processor", "movie-reviews")
class MovieReviewsProcessor(DataProcessor):
    """Is a review negative or positive? Folders neg/ and pos/ of Latin-1 files, or movie_reviews.zip of NLTK.

    The data set has ten folds: cv000 to cv099, and so on. The last one is the test split, the one before it is dev.
    """

    encoding = "latin-1"

    def get_train_examples(self, data_dir):
        """See base class."""
        return self._read(data_dir, "train")

    def get_dev_examples(self, data_dir):
        """See base class."""
        return self._read(data_dir, "dev")

    def get_test_examples(self, data_dir):
        """See base class."""
        return self._read(data_dir, "test")

    def get_labels(self):
        """See base class."""
        return ["neg", "pos"]

    def _read(self, data_dir, split):
        examples = []
        for label in self.get_labels():
            for source, text in self._texts(data_dir, label, _FOLDS[split]):
                guid = f"{split}-{len(examples)}"
                examples.append(InputExample(guid, " ".join(text.split()), label=label, source=source))
        if not examples:
            raise InputError(f"{data_dir}: no file named as neg/cv000_29416.txt in the {split} folds; copy all of them")
        return examples

    def _texts(self, data_dir, label, folds):
        """Yields (path, text) of the reviews of a label in some folds."""
        if exists(os.path.join(data_dir, label)) or exists(os.path.join(data_dir, FOLDER, label)):
            folder = find_file(data_dir, label, os.path.join(FOLDER, label))
            paths = [os.path.join(folder, name) for name in list_files(folder) if _is_of(name, folds)]
            yield from ((path, " ".join(read_lines(path, self.encoding, "--encoding"))) for path in paths)
            return
        encodings.check(self.encoding, "--encoding")
        path = find_file(data_dir, ARCHIVE)
        try:
            with zipfile.ZipFile(path) as archive:
                for name in sorted(archive.namelist()):
                    place, last = os.path.split(name)
                    if os.path.basename(place) == label and _is_of(last, folds):
                        yield f"{path}/{name}", archive.read(name).decode(self.encoding, "replace")
        except zipfile.BadZipFile as error:
            raise InputError(f"{path}: no zip archive that is whole ({error}); copy it again") from error


def _is_of(name, folds):
    found = _NAME.fullmatch(name)
    return found is not None and found[1] in folds
