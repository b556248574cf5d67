"""What is missing for --engine=spark is said at once, without pyspark too; all else is in workflow/test_spark.py."""

import importlib.util
import sys
import types

import pytest

from bertline.errors import InputError
from bertline.processors.corpora.making import spark_engine


@pytest.fixture
def complete(monkeypatch):
    """A machine that has all."""
    monkeypatch.setattr(spark_engine.importlib.util, "find_spec", lambda name: types.SimpleNamespace(name=name))
    monkeypatch.setattr(spark_engine.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return monkeypatch


def refused(master):
    with pytest.raises(InputError) as caught:
        spark_engine.check(master)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_without_pyspark(complete):
    complete.undo()
    complete.setitem(sys.modules, "pyspark", None)
    assert importlib.util.find_spec("pyspark") is None
    assert "make spark" in refused("local[2]")


def test_without_java(complete, tmp_path):
    complete.setattr(spark_engine.shutil, "which", lambda name: None)
    assert "no Java on the PATH" in refused("local[2]")
    complete.setenv("JAVA_HOME", str(tmp_path))
    assert f"no Java in JAVA_HOME={tmp_path}" in refused("local[2]")


@pytest.mark.parametrize("master", ["sc://host:15002", "host:7077", "http://host:8080"])
def test_master_of_another_kind(complete, master):
    message = refused(master)
    assert master in message and "spark://host:port" in message


@pytest.mark.parametrize("master", [None, ""])
def test_no_master(complete, master):
    assert "--spark_master is needed" in refused(master)


@pytest.mark.parametrize(
    "master", ["spark://127.0.0.1:1", "spark://127.0.0.1:1,127.0.0.1:2", "spark://", "spark://h:x"]
)
def test_no_cluster_there(complete, master):
    assert f"{master}: no cluster answers there" in refused(master)


@pytest.mark.parametrize("master", ["local", "local[2]", "yarn", "k8s://https://host:443"])
def test_masters_that_spark_finds_itself(complete, master):
    spark_engine.check(master)


@pytest.mark.parametrize(
    "flags, named",
    [
        (["--engine=cloud"], "--engine=cloud: local or spark"),
        (["--spark_master=local[2]"], "without --engine=spark"),
        (["--engine=spark"], "--spark_master is needed"),
        (["--engine=spark", "--spark_master=local[2]", "--num_processes=2"], "--num_processes"),
    ],
)
def test_flags_that_do_not_go_together(flags, named, monkeypatch):
    from bertline import create_pretraining_data
    from bertline.settings.scripts.create_pretraining_data import PretrainingDataSettings

    values = dict(flag.removeprefix("--").split("=") for flag in flags)
    values["num_processes"] = int(values["num_processes"]) if "num_processes" in values else None
    run = PretrainingDataSettings(input_file="a.txt", output_file="a.tfrecord", vocab_file="vocab.txt", **values)
    with pytest.raises(InputError, match=named):
        create_pretraining_data._check(run)
