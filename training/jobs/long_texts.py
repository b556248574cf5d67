"""From settings to how texts are read that are longer than a row: what remains of them, or windows."""

import functools

from bertline.errors import InputError
from bertline.processors.layouts import base as layouts
from bertline.processors.layouts.document_windows import POOLINGS
from bertline.processors.layouts.truncation import PARTS, TEXTS, Truncation
from bertline.settings import flags


def check(run):
    """Raises InputError for settings of long texts that no run can have. Scripts that have none pass."""
    if not hasattr(run, "windows"):
        return
    flags.check_choice(run, "truncate", PARTS)
    flags.check_choice(run, "truncate_text", TEXTS)
    flags.check_positive(run, "max_windows")
    if run.windows is None:
        for name in ("window_stride", "max_windows"):
            if getattr(run, name) != getattr(type(run), name):
                raise InputError(
                    f"--{name} is of no use without --windows; give one of {', '.join(POOLINGS)}, or leave it out"
                )
        return
    flags.check_choice(run, "windows", POOLINGS)
    flags.check_positive(run, "window_stride")
    if run.static_shapes or run.xla or run.use_tpu:
        raise InputError(
            f"--windows={run.windows}: batches have any number of windows, which --static_shapes, --xla and --use_tpu "
            "do not allow; leave one of both out"
        )


def truncation_of(run):
    """The Truncation of the settings; None: that of BERT."""
    found = Truncation(getattr(run, "truncate", "head"), getattr(run, "truncate_text", "longest"))
    return None if found.is_original else found


def _check_truncation(run, layout):
    """Raises InputError where --truncate would change nothing, as the layout reads long texts in several rows."""
    if truncation_of(run) and layout and not layouts.get(layout).cuts_texts:
        raise InputError(
            f"--truncate={run.truncate} --truncate_text={run.truncate_text}: --objective={run.objective} cuts no "
            "texts, but reads long ones in several rows; leave them out"
        )


def by_windows(run, objective_class, make_objective):
    """(layout or None, what it takes beside, encoder -> Objective) of an objective, which reads windows if it should.

    Args:
      make_objective: encoder -> Objective of the class.

    Raises:
      InputError: it reads more than the vector of a text.
    """
    pooling = getattr(run, "windows", None)
    if pooling is None:
        _check_truncation(run, objective_class.layout)
        return objective_class.layout, {}, make_objective
    if not objective_class.reads_pooled_output_alone:
        raise InputError(
            f"--windows={pooling}: --objective={run.objective} reads more than the vector of each window; it is for "
            "objectives as sequence_classification; leave it out"
        )
    from bertline.modeling.windows_encoder import WindowsEncoder

    options = {"pooling": pooling, "stride": run.window_stride, "max_windows": run.max_windows}
    return WindowsEncoder.rows_layout, options, functools.partial(_over_windows, make_objective, pooling)


def _over_windows(make_objective, pooling, encoder):
    from bertline.modeling.windows_encoder import WindowsEncoder

    return make_objective(WindowsEncoder(encoder, pooling))
