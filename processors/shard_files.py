"""The files of a set of pre-training instances: shards, and a manifest that says that they are whole."""

import contextlib
import glob
import json
import os
import tempfile

from errors import InputError
from files import replaced
from processors.documents import file_sizes
from processors.text_files import exists, is_remote

MANIFEST_SUFFIX = ".manifest.json"


def output_files(run):
    """The shards of --output_file: those named, or as many as --num_output_shards says."""
    named = [name.strip() for name in run.output_file.split(",") if name.strip()]
    if len(named) > 1 and run.num_output_shards > 1:
        raise InputError("--output_file names several files: leave --num_output_shards, or name one file")
    if len(set(named)) < len(named):
        raise InputError(f"--output_file={run.output_file}: a file is named twice")
    if not named:
        raise InputError("--output_file is needed")
    count = run.num_output_shards
    return named if count == 1 else [f"{named[0]}-{i:05d}-of-{count:05d}" for i in range(count)]


def manifest_file(run):
    """Where the manifest goes: beside the first output file."""
    return run.output_file.split(",")[0].strip() + MANIFEST_SUFFIX


def prepare(outputs, manifest_path, made_from, overwrite):
    """Looks at what is there before work is put into the rest.

    Args:
      outputs: paths of the shards.
      manifest_path: str.
      made_from: dict, what the manifest says where it is of the same instances.
      overwrite: whether what is there may be replaced.

    Returns:
      The paths of an earlier run's shards.

    Raises:
      InputError: there is something and it may not be replaced, or a folder cannot be written.
    """
    manifest, folder = {}, os.path.dirname(manifest_path)
    if exists(manifest_path):
        with contextlib.suppress(ValueError, OSError), _opened(manifest_path, "r") as file:
            manifest = json.load(file)
    present = [path for path in [manifest_path, *outputs] if exists(path)]
    if present and not overwrite:
        what = "from the same files by the same settings" if made_from.items() <= manifest.items() else "by another run"
        raise InputError(f"{present[0]}: is there already, made {what}; use it, or give --overwrite or another name")
    for path in outputs:
        if not is_remote(path):
            _check_writable(path)
    if manifest:
        _remove(manifest_path)  # until the new files are whole, nothing says that they belong together
    return [os.path.join(folder, name) for name in manifest.get("files", [])]


def _check_writable(path):
    folder = os.path.dirname(path) or "."
    try:
        os.makedirs(folder, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
        for left in glob.glob(os.path.join(glob.escape(folder), f".{glob.escape(os.path.basename(path))}.*.part")):
            os.remove(left)  # of a run that was killed
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error


def temporary_folder(outputs):
    """A folder with as much room as the outputs need, as far as there is one."""
    return tempfile.gettempdir() if is_remote(outputs[0]) else os.path.dirname(outputs[0]) or "."


def write_records(outputs, records, show):
    """Record i goes into file i modulo their number, as in the original; each file is whole or absent.

    `show`: a function that gets (number, record) of each.
    """
    import tensorflow as tf

    try:
        with contextlib.ExitStack() as stack:
            writers = [
                stack.enter_context(tf.io.TFRecordWriter(stack.enter_context(_replaced(path)))) for path in outputs
            ]
            for i, record in enumerate(records):
                writers[i % len(writers)].write(record)
                show(i, record)
    except tf.errors.OpError as error:
        raise InputError(f"{outputs[0]}: cannot be written: {error.message.splitlines()[0]}") from None


def write_manifest(path, outputs, content, earlier):
    """Writes the manifest, the sizes of the files first, then removes those shards of an earlier run that are no more.

    Returns:
      The manifest, a dict.
    """
    sizes = {os.path.basename(name): size for name, size in file_sizes(outputs).items()}
    manifest = {"files": sizes, **content}
    with _replaced(path) as unfinished, _opened(unfinished, "w") as file:
        json.dump(manifest, file, indent=1)
    for name in set(earlier) - set(outputs):
        _remove(name)
    return manifest


@contextlib.contextmanager
def _replaced(path):
    """`files.replaced`, for paths with a scheme too."""
    if not is_remote(path):
        with replaced(path) as temporary:
            yield temporary
        return
    import tensorflow as tf

    temporary = f"{path}.part"
    try:
        yield temporary
        tf.io.gfile.rename(temporary, path, overwrite=True)
    except BaseException:
        _remove(temporary)
        raise


def _opened(path, mode):
    if is_remote(path):
        import tensorflow as tf

        return tf.io.gfile.GFile(path, mode)
    return open(path, mode, encoding="utf-8")


def _remove(path):
    if is_remote(path):
        import tensorflow as tf

        with contextlib.suppress(tf.errors.OpError):
            tf.io.gfile.remove(path)
    else:
        with contextlib.suppress(OSError):
            os.remove(path)
