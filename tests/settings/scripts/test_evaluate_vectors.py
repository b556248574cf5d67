"""Flags of evaluate_vectors.py that would change nothing are refused."""

import pytest

from bertline.errors import InputError
from bertline.settings.scripts.evaluate_vectors import EvaluationSettings, check


@pytest.mark.parametrize(
    "changes",
    [
        {"transform": "whitening"},
        {"pooling": "max"},
        {"split": "dev"},
        {"window_stride": 64},
        {"prompt": "a"},
        {"normalize": True},
        {"data_root": "x"},
        {"save_transform": "w.npz"},
    ],
)
def test_neighbours_take_nothing_of_texts(tmp_path, changes):
    (tmp_path / "contexts.txt").write_text("a dog\nthe dog\n")
    given = {"init_checkpoint": "m", "neighbours_of": "dog", "contexts_file": str(tmp_path / "contexts.txt")}
    check(EvaluationSettings(**given))
    [name] = changes
    with pytest.raises(InputError, match=f"^--{name} is of no use with --neighbours_of, which compares single words"):
        check(EvaluationSettings(**given, **changes))


@pytest.mark.parametrize("changes", [{"num_neighbours": 5}, {"contexts_file": "x.txt"}])
def test_scores_take_nothing_of_neighbours(changes):
    [name] = changes
    with pytest.raises(InputError, match=f"^--{name} is of no use without --neighbours_of=WORD; leave it out$"):
        check(EvaluationSettings(init_checkpoint="m", tasks="sts-b=x", **changes))
