"""Film reviews: folds, labels and texts of the zip and of a folder of it."""

import zipfile

import pytest

from bertline import registry
from bertline.errors import InputError


@pytest.fixture
def archive(tmp_path):
    with zipfile.ZipFile(tmp_path / "movie_reviews.zip", "w") as file:
        for label in ("neg", "pos"):
            for number in (0, 799, 800, 999):
                file.writestr(
                    f"movie_reviews/{label}/cv{number:03d}_17.txt",
                    f"a {label} film ,\nno. {number} \xe9\n".encode("latin-1"),
                )
        file.writestr("movie_reviews/README", "not a review")
    return tmp_path


SPLITS = {"train": (0, 799), "dev": (800,), "test": (999,)}


@pytest.mark.parametrize("is_unpacked", (False, True))
def test_folds(archive, is_unpacked):
    folder = archive
    if is_unpacked:
        folder = archive / "unpacked"
        zipfile.ZipFile(archive / "movie_reviews.zip").extractall(folder)
    processor = registry.get("processor", "movie-reviews")()
    for split, numbers in SPLITS.items():
        examples = getattr(processor, f"get_{split}_examples")(str(folder))
        expected = [(f"a {label} film , no. {number} \xe9", label) for label in ("neg", "pos") for number in numbers]
        assert [(one.text_a, one.label) for one in examples] == expected
        assert all(one.source.endswith(f"{one.label}/cv{n:03d}_17.txt") for one, n in zip(examples, numbers * 2))


@pytest.mark.real_data
def test_the_real_ones(data_dir):
    processor = registry.get("processor", "movie-reviews")()
    folder = str(data_dir / "movie_reviews_docs")
    dev, test = processor.get_dev_examples(folder), processor.get_test_examples(folder)
    assert [sum(one.label == label for one in split) for split in (dev, test) for label in ("neg", "pos")] == [100] * 4
    assert min(len(one.text_a.split()) for one in dev + test) > 15


def test_a_damaged_zip_is_refused(tmp_path):
    (tmp_path / "movie_reviews.zip").write_text("no zip")
    with pytest.raises(InputError, match="no zip archive that is whole"):
        registry.get("processor", "movie-reviews")().get_dev_examples(str(tmp_path))
