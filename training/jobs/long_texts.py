"""From settings to how texts are read that are longer than a row: what remains of them, or windows."""

import functools

from bertline import registry
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
        return
    flags.check_choice(run, "windows", POOLINGS)
    flags.check_positive(run, "window_stride")
    if run.static_shapes or run.xla or run.use_tpu:
        raise InputError(
            f"--windows={run.windows}: batches have any number of windows, which --static_shapes, --xla and --use_tpu "
            "do not allow; leave one of both out"
        )


def of_no_use(run):
    """Settings of windows that are given without windows: name -> what to say of it."""
    if getattr(run, "windows", "") is not None:
        return {}
    return {
        name: f"--{name} is of no use without --windows; give one of {', '.join(POOLINGS)}, or leave it out"
        for name in ("window_stride", "max_windows")
        if getattr(run, name) != getattr(type(run), name)
    }


def truncation_of(run):
    """The Truncation of the settings; None: that of BERT."""
    found = Truncation(getattr(run, "truncate", "head"), getattr(run, "truncate_text", "longest"))
    return None if found.is_original else found


def check_truncation(run):
    """Raises InputError where a training cuts no texts, because its objective reads long ones in several rows."""
    layout = registry.literals("objective", "layout").get(run.objective)
    if not (run.do_train and truncation_of(run) and layout) or layouts.get(layout).cuts_texts:
        return
    name = "truncate" if run.truncate != type(run).truncate else "truncate_text"
    raise InputError(
        f"--{name}={getattr(run, name)}: --objective={run.objective} cuts no texts, but reads long ones in several "
        "rows; leave it out"
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
