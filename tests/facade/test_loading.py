"""What `load` gives: the verb that fits the folder works, another one says which one does."""

import pytest
from small_heads import reader_folder, tagger_folder

from bertline import load
from bertline.errors import InputError


def test_a_tagger_tags(tmp_path):
    model = load(tagger_folder(tmp_path))
    [found] = model.tag(["ab c"])
    assert (found.words, found.starts, found.ends) == (("ab", "c"), (0, 3), (2, 4)) and len(found.tags) == 2
    assert model.embed(["ab c"]).shape == (1, 32)
    with pytest.raises(InputError, match="tag"):
        model.answer([("a", "b")])
    with pytest.raises(InputError, match="a model for tags, which has no rank; call tag$"):
        model.rank([("a", ["b"])])
    with pytest.raises(InputError, match="evaluate is for models that give labels to whole texts"):
        model.evaluate(["a"], ["b"])


def test_a_reader_answers(tmp_path):
    model = load(str(reader_folder(tmp_path)))
    [found] = model.answer([("a b", "c d fed")])
    assert found.text == "c d fed"[found.start : found.end]
    with pytest.raises(InputError, match="answer"):
        model.tag(["a"])
