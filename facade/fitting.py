"""Fine-tuning by one call: the same run as run_classifier.py makes, of texts and labels in memory."""

import logging
import shutil
import signal
import tempfile

from bertline import options
from bertline.facade.examples import ListProcessor, read_examples
from bertline.facade.labels import check_classes
from bertline.facade.settings import make_settings
from bertline.facade.tables import ColumnNames

FEW_STEPS = 20  # with fewer a model has hardly moved


def fit(
    texts,
    labels=None,
    *,
    model=None,
    epochs=3.0,
    seed=12345,
    dev=None,
    output_dir=None,
    problem_type=None,
    label_list=None,
    text_a_column=None,
    text_b_column=None,
    label_column=None,
    **settings,
):
    """Fine-tunes a model on labelled texts, as run_classifier.py does.

    Args:
      texts: a list of str, or of pairs of str; a numpy array, a pandas Series. Or a table with texts and labels: a
        DataFrame, a `datasets.Dataset`, a dict of lists.
      labels: a label for each text. str, int and bool name a class, float is a score; a list of str has several labels,
        and so has a row of 0 and 1 of a numpy array or a DataFrame, with a column for each label. Answers name labels
        as str. None: the table's column.
      model: the weights to start from: a folder, a checkpoint. None: random ones; give bert_config_file and vocab_file.
      epochs, seed: see --num_train_epochs and --seed.
      dev: (texts, labels) or a table, to evaluate on; for eval_steps, keep_best and patience.
      output_dir: the folder of the run; the same call continues one that was stopped. None: a temporary one, which goes
        with the model unless it is saved.
      problem_type: "single_label_classification", "multi_label_classification" or "regression"; None: by the labels.
      label_list: list of str, the classes in the order of their ids; None: those found, in natural order.
      text_a_column, text_b_column, label_column: of a table; None: columns with usual names (text, label, ...).
      settings: flags of run_classifier.py by their names, with its defaults: learning_rate, train_batch_size,
        max_seq_length, eval_steps, dev_fraction, ...

    Returns:
      A Model.

    Raises:
      InputError, TypeError: what does not fit, before the first step.
      RuntimeError: the training diverged. KeyboardInterrupt: it was stopped.

    >>> import bertline
    >>> texts = ["the lid came cracked", "where is my parcel?", "a broken lamp arrived", "when will it be delivered?"]
    >>> labels = ["damaged_item", "order_status", "damaged_item", "order_status"]
    >>> model = bertline.fit(
    ...     texts, labels, model="models/minilm", epochs=20, learning_rate=1e-4, train_batch_size=4,
    ...     output_dir="output/complaints",
    ... )
    >>> [answer.label for answer in model.predict(["it was broken when it came", "is my parcel on its way?"])]
    ['damaged_item', 'order_status']
    """
    names = ColumnNames(text_a_column, text_b_column, label_column)
    problem_type, train, found = read_examples(texts, labels, names, problem_type)
    check_classes([example.label for example in train], problem_type)
    examples = {"train": train}
    if dev is not None:
        _, examples["dev"], _ = read_examples(*_texts_and_labels(dev), names, problem_type)
    folder = output_dir or tempfile.mkdtemp(prefix="bertline-")
    try:
        run = make_settings(
            settings if output_dir else {"report": False, **settings},  # nobody reads what goes with the folder
            model=model,
            epochs=epochs,
            seed=seed,
            output_dir=folder,
            problem_type=problem_type,
            has_dev=dev is not None,
        )
        _warn_of_few_steps(run, len(train))
        given = options.values_for(ListProcessor, vars(run))
        _run(run, ListProcessor(examples, **{**given, "label_list": label_list or found}), bool(output_dir))
        from bertline.facade.model import load, load_and_remove

        return load(run.output_dir) if output_dir else load_and_remove(folder)
    except BaseException:
        if not output_dir:
            shutil.rmtree(folder, ignore_errors=True)
        raise


def _texts_and_labels(dev):
    return dev if isinstance(dev, tuple) and len(dev) == 2 else (dev, None)


def _warn_of_few_steps(run, count):
    steps = int(count / run.train_batch_size * run.num_train_epochs)
    if 0 < steps < FEW_STEPS:
        logging.warning(
            "%d steps (%d rows, train_batch_size=%d, epochs=%g): few rows need more epochs, as 20, and perhaps "
            "learning_rate=1e-4",
            steps,
            count,
            run.train_batch_size,
            run.num_train_epochs,
        )


def _run(run, processor, is_kept):
    from bertline.training.jobs.task_job import run_task

    status = run_task(run, lambda name: True, processor)
    if status > 128:
        again = "the same call continues" if is_kept else "with output_dir the same call would continue"
        raise KeyboardInterrupt(f"stopped by {signal.Signals(status - 128).name}; {again}")
    if status:
        raise RuntimeError("the training diverged, as the line above says; lower learning_rate, or look at the data")
