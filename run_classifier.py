"""Fine-tunes an encoder on a task of sentences or pairs of sentences, evaluates it and predicts.

Source: google-research/bert `run_classifier.py`, whose flags and output files these are.
"""

import functools
import logging
import sys

import console
import errors
import registry
from training import flags, settings, split_file, task_files
from training.as_trained import as_trained


def main(_):
    with errors.reported():
        logging.getLogger().setLevel(logging.INFO)
        run = flags.read(settings.ClassifierSettings)
        flags.check_output_dir(run)
        run = as_trained(run, flags.given)
        _check(run)
        processor = task_files.make_processor(run, flags.given("problem_type"))
        examples = task_files.read_examples(run, processor)
        # TensorFlow is imported only now that flags and files are known to be good.
        console.import_tensorflow()
        from processors.labels import Labels
        from training.finetuning import FineTuning, Task
        from training.objective_arguments import objective_arguments

        separator = getattr(processor, "label_separator", ",")
        labels = Labels(processor.problem_type, processor.get_labels(), separator)
        objective_class = registry.get("objective", run.objective)
        make_objective = functools.partial(
            objective_class, **objective_arguments(run, objective_class, processor, labels, examples.get("train"))
        )
        files = {"train": run.train_records, "dev": run.eval_records, "test": run.predict_records}
        record_files = {split: files[split] for split in task_files.splits(run) if files[split]}
        task = Task(labels, tuple(processor.metrics), examples, record_files, make_objective, objective_class.layout)
        tuning = FineTuning(run, task)
        split_file.write(run, processor)
        status = tuning.run()
    sys.exit(status)


def _check(run):
    flags.check_run(run, "predict_batch_size", "num_train_epochs", "num_runs")
    flags.check_share(run, "warmup_proportion")
    if not run.task_name:
        raise errors.InputError("--task_name is needed")


if __name__ == "__main__":
    flags.define(settings.ClassifierSettings)
    flags.run(main)
