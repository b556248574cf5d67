"""What a run has learned of the layers of its parts, as a file and a picture."""

import json
import logging

import numpy as np

from bertline.modeling.encoder import LayerMix
from bertline.training.pictures import layer_weights


def test_shares_are_written_said_and_drawn(tmp_path, caplog):
    scalars = np.log([1.0, 2.0, 5.0]).astype(np.float32)
    mix = LayerMix("bert", "input", scalars, np.array([0.125, 0.25, 0.625], np.float32), 1.5)
    with caplog.at_level(logging.INFO):
        layer_weights.write(str(tmp_path), [mix, mix._replace(at="output")])
    assert "layers of bert, input: 0.125 0.250 0.625 (embeddings first), gamma 1.500" in caplog.messages
    [first, second] = json.loads((tmp_path / "layer_weights.json").read_text())["mixes"]
    assert first == {"part": "bert", "at": "input", "shares": [0.125, 0.25, 0.625], "gamma": 1.5} | {
        "scalars": [0.0, 0.693147, 1.609438]
    }
    assert second["at"] == "output"
    assert (tmp_path / "layer_weights.png").read_bytes().startswith(b"\x89PNG")
    panels = layer_weights._figure([mix]).axes
    assert [bar.get_height() for bar in panels[0].patches] == [0.125, 0.25, 0.625]


def test_a_run_without_mixes_leaves_nothing(tmp_path):
    layer_weights.write(str(tmp_path), [])
    assert not list(tmp_path.iterdir())
