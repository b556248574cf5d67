"""A run of fine-tuning in this process: eight short texts, a model of two layers, a second or two."""

from bertline.modeling.objectives.classification.sequence_classification import SequenceClassification
from bertline.processors.base import InputExample
from bertline.processors.labels.base import make_labels
from bertline.settings.parts import part
from bertline.settings.scripts.run_classifier import ClassifierSettings
from bertline.training.jobs.job import Job
from bertline.training.jobs.task_data import Task, TaskData, TaskDataSettings

TEXTS = ("fed", "a fed", "b", "fed b c", "c d e f", "x", "y z", "fed fed")
ALL = {"do_train": True, "do_eval": True, "do_predict": True}


def fine_tuning(model, output_dir, **changes):
    """The Job of a folder of tests/small_classifiers.py; 4 steps unless `changes` of the settings say more."""
    examples = [InputExample(f"r-{i}", text, None, "fed" if "fed" in text else "not") for i, text in enumerate(TEXTS)]
    labels = make_labels("single_label_classification", ["fed", "not"])
    settings = ClassifierSettings(
        **{
            "task_name": "tsv",
            "init_checkpoint": str(model),
            "output_dir": str(output_dir),
            "max_seq_length": 12,
            "train_batch_size": 4,
            "num_train_epochs": 2.0,
            **ALL,
            **changes,
        }
    )
    wanted = {"train": settings.do_train, "dev": settings.do_eval, "test": settings.do_predict}
    split = {name: examples for name, is_wanted in wanted.items() if is_wanted}
    task = Task(labels, ("accuracy",), split, {}, lambda e: SequenceClassification(e, 2))
    return Job(settings, TaskData(task, part(TaskDataSettings, settings)))
