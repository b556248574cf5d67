"""Settings as absl flags: declared from the fields, read back as an object, so that FLAGS stays in the script."""

import dataclasses
import functools
import logging
import math
import re
import sys
import types
import typing

from absl import app, flags

from bertline import errors, plugins
from bertline.common import console
from bertline.errors import InputError
from bertline.processors.files import paths
from bertline.settings.owned import owners_in_words, with_options
from bertline.training.folder import run_folder

_DEFINE = {
    bool: flags.DEFINE_bool,
    int: flags.DEFINE_integer,
    float: flags.DEFINE_float,
    str: flags.DEFINE_string,
    tuple: flags.DEFINE_multi_string,
}
_groups = []  # of the flags, as --help shows them


def define(settings_class):
    """Declares a flag for every field of a settings class, those of what plugins register included."""
    _load_plugins()
    for field in dataclasses.fields(_complete(settings_class)):
        # absl renders help by module; a group of flags is one that has the owner's name.
        group = owners_in_words(field) or sys.argv[0]
        _DEFINE[kind(field)](field.name, field.default, field.metadata["help"])
        flags.FLAGS.register_key_flag_for_module(group, flags.FLAGS[field.name])
        if group not in _groups:
            _groups.append(group)
    alias("processor_module", "plugin")  # its first name


def _load_plugins():
    """Runs the files of --plugin before the flags are known, since what they register brings flags of its own."""
    try:
        words = flags.FLAGS.read_flags_from_files(sys.argv)
    except (OSError, flags.Error):
        return  # the parser says what is wrong with a --flagfile
    names = re.compile(r"--?(?:plugin|processor_module)(?:=(.*))?", re.DOTALL)
    for place, word in enumerate(words):
        if found := names.fullmatch(word):
            path = found[1] if found[1] is not None else "".join(words[place + 1 : place + 2])
            with errors.report_errors():
                plugins.load(paths.expand(path, "--plugin"))


@functools.cache
def _complete(settings_class):
    """The settings, with those of what was registered since the class was made."""
    return with_options(settings_class) if hasattr(settings_class, "owners") else settings_class


def alias(name, flag):
    """Declares another name of a flag."""
    flags.DEFINE_alias(name, flag)
    flags.FLAGS.register_key_flag_for_module(sys.argv[0], flags.FLAGS[name])


def read(settings_class):
    """The settings that the command line gives; says once which flags of the original have no meaning any more."""
    settings_class = _complete(settings_class)
    values = {field.name: flags.FLAGS[field.name].value for field in dataclasses.fields(settings_class)}
    values["plugin"] = tuple(values["plugin"])
    idle = [name for name in settings_class.without_meaning() if flags.FLAGS[name].present]
    if idle:
        logging.warning("no effect on TensorFlow 2: %s", ", ".join(f"--{name}" for name in idle))
    return settings_class(**values)


def is_given(name):
    """Whether the command line names the flag; False for one that the script has not."""
    return name in flags.FLAGS and bool(flags.FLAGS[name].present)


def run(main):
    """Runs `main(argv)` with parsed flags; a wrong flag is one line and exit status 2."""

    def parse(argv):
        if {"-h", "-help", "--help", "--helpfull", "--helpshort"} & set(argv):
            # absl's own --help leaves with status 1.
            print(sys.modules[main.__module__].__doc__, *map(flags.FLAGS.module_help, _groups), sep="\n")
            sys.exit(0)
        try:
            rest = flags.FLAGS(argv)
        except flags.Error as error:
            sys.exit(_refuse(error))
        if len(rest) > 1:
            sys.exit(_refuse(f"{rest[1]!r} is not a flag; flags are --name=value"))
        return rest

    def start(argv):
        console.start()
        main(argv)

    app.run(start, flags_parser=parse)


def _refuse(error):
    plugin = "; those of a plugin need --plugin" if isinstance(error, flags.UnrecognizedFlagError) else ""
    print(f"error: {str(error).strip().splitlines()[0]}; --help lists the flags{plugin}", file=sys.stderr)
    return 2


def kind(field):
    """The type of a field, without its `| None`."""
    if typing.get_origin(field.type) is tuple:
        return tuple
    if isinstance(field.type, types.UnionType):
        return next(one for one in typing.get_args(field.type) if one is not type(None))
    return field.type


def check_output_dir(settings):
    """Raises InputError where there is nothing to do, or no place for it."""
    if not (settings.do_train or settings.do_eval or settings.do_predict):
        raise InputError("at least one of --do_train, --do_eval and --do_predict must be given")
    if not settings.output_dir:
        raise InputError("--output_dir is needed")
    run_folder.check_writable(settings.output_dir)


def check_run(settings, *positive):
    """Raises InputError for values that no run can have.

    Args:
      settings: RunSettings of a training script.
      positive: names of settings of this script that must be above 0.
    """
    check_output_dir(settings)
    check_positive(
        settings,
        "max_seq_length",
        "train_batch_size",
        "eval_batch_size",
        "learning_rate",
        "layer_decay",
        "gradient_accumulation_steps",
        "save_checkpoints_steps",
        "iterations_per_loop",
        *positive,
    )
    if hasattr(settings, "length_pool_batches"):
        check_positive(settings, "length_pool_batches")
    last_seed = settings.seed + getattr(settings, "num_runs", 1) - 1
    if not 0 <= settings.seed <= last_seed < 2**31:
        raise InputError(f"--seed={settings.seed}: a number from 0 on is needed, the last run's below {2**31}")
    if settings.num_gpus is not None and settings.num_gpus < 0:
        raise InputError(f"--num_gpus={settings.num_gpus}: 0, which is the CPU, or a number above it is needed")
    for name in ("max_grad_norm", "eval_steps", "patience"):
        if not 0 <= getattr(settings, name) < math.inf:
            raise InputError(f"--{name}={getattr(settings, name)}: 0, which is none, or a number above it is needed")
    if (settings.keep_best or settings.patience) and not settings.eval_steps:
        raise InputError("--keep_best and --patience compare evaluations: --eval_steps is needed")


def check_share(settings, *names):
    """Raises InputError for the first of these settings that is not from 0 to 1."""
    for name in names:
        if not 0 <= getattr(settings, name) <= 1:
            raise InputError(f"--{name}={getattr(settings, name)}: a number from 0 to 1 is needed")


def check_choice(settings, name, allowed):
    """Raises InputError where a setting is none of the values that it may have."""
    if getattr(settings, name) not in allowed:
        raise InputError(f"--{name}={getattr(settings, name)}: one of {', '.join(allowed)} is needed")


def check_positive(settings, *names):
    """Raises InputError for the first of these settings that is given and not above 0, or no finite number."""
    for name in names:
        value = getattr(settings, name)
        # Not `<= 0`, which a number that is none (nan) passes.
        if value is not None and not 0 < value < math.inf:
            raise InputError(f"--{name}={value}: a number above 0 is needed")
