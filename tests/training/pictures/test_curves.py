"""Pictures of a run: what they show, and that odd runs do not hinder them."""

import numpy as np
import pytest

from bertline.errors import InputError
from bertline.training.pictures import curves, scatter
from bertline.training.reporting import metrics_table


def lines(figure):
    """title of a panel -> label of a line -> (steps, values)."""
    return {axes.get_title(): {line.get_label(): line.get_data() for line in axes.lines} for axes in figure.axes}


@pytest.fixture
def rows(tmp_path):
    table = metrics_table.MetricsTable(tmp_path / metrics_table.NAME)
    for step in range(1, 101):
        table.add(step, {"train/loss": 100.0 - step, "train/learning_rate": 0.1})
        if step % 50 == 0:
            table.add(step, {"eval/eval_loss": 1.0, "eval/loss": 1.0, "eval/eval_f1": step / 100})
    return metrics_table.read(tmp_path / metrics_table.NAME)[1]


def test_losses_scores_and_the_rate(rows, tmp_path):
    found = lines(curves.make_figure({"": rows}))
    assert list(found) == ["loss", "evaluation", "learning rate"]
    assert set(found["loss"]) >= {"train/loss", "eval/eval_loss"} and "eval/loss" not in found["loss"]
    steps, values = found["evaluation"]["eval/eval_f1"]
    assert steps.tolist() == [50, 100] and values.tolist() == [0.5, 1.0]
    steps, smoothed = found["loss"]["train/loss"]
    np.testing.assert_allclose(smoothed[10:90], 100.0 - steps[10:90])  # a straight line stays one
    curves.write(str(tmp_path))
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_without_evaluations_or_with_one_step(rows, tmp_path, caplog):
    assert list(lines(curves.make_figure({"": rows[:1]}))) == ["loss", "learning rate"]
    curves.write(str(tmp_path / "absent"))
    assert not (tmp_path / "absent").exists() and not caplog.records


def test_runs_of_any_objective_of_pre_training(tmp_path):
    """Perplexities have a panel and a scale of their own; two runs are two lines."""
    folders = [tmp_path / "elmo", tmp_path / "bert"]
    measured = (("forward_perplexity", "forward_loss"), ("masked_lm_accuracy",))
    for i, (folder, names) in enumerate(zip(folders, measured)):
        folder.mkdir()
        table = metrics_table.MetricsTable(folder / metrics_table.NAME)
        for step in (10, 20):
            table.add(step, {"train/loss": 5.0 + i, "train/learning_rate": 0.1})
            table.add(step, {"eval/loss": 4.0, "eval/perplexity": 2000.0 / step})
            table.add(step, {f"eval/{one}": 1.0 for one in names})
    runs = {folder.name: metrics_table.read(folder / metrics_table.NAME)[1] for folder in folders}
    figure = curves.make_figure(runs)
    found = lines(figure)
    assert list(found) == ["loss", "perplexity", "evaluation", "learning rate"]
    assert [axes.get_yscale() for axes in figure.axes] == ["linear", "log", "linear", "linear"]
    assert {"elmo: train/loss", "bert: train/loss", "elmo: eval/forward_loss"} <= found["loss"].keys()
    assert found["perplexity"]["bert: eval/perplexity"][1].tolist() == [200.0, 100.0]
    assert "elmo: eval/forward_perplexity" in found["perplexity"]
    assert found["evaluation"]["bert: eval/masked_lm_accuracy"][0].tolist() == [10, 20]
    curves.draw(map(str, folders), str(tmp_path / "both.png"))
    assert (tmp_path / "both.png").read_bytes().startswith(b"\x89PNG")


def test_what_cannot_be_drawn(tmp_path, rows):
    with pytest.raises(InputError, match="metrics.csv: no step of a run; give the --output_dir"):
        curves.draw([str(tmp_path / "absent")], str(tmp_path / "curves.png"))
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="curves.png: cannot be written"):
        curves.draw([str(tmp_path)], str(tmp_path / "file" / "curves.png"))


def test_predicted_scores_against_those_of_the_data(tmp_path, caplog):
    labels = np.random.default_rng(0).normal(size=50_000)
    [axes] = scatter._figure(labels, labels + 1.0, "rmse 1.000").axes
    points = axes.collections[0].get_offsets()
    assert len(points) <= scatter.MOST_POINTS and axes.get_title() == "rmse 1.000"
    np.testing.assert_allclose(points[:, 1] - points[:, 0], 1.0)
    scatter.write(str(tmp_path), labels[:1], labels[:1], "")
    assert (tmp_path / "scatter.png").exists() and not caplog.records
