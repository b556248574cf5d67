"""The files of a set of pre-training instances: shards, and a manifest that says that they are whole."""

import contextlib
import glob
import os
import tempfile

from bertline.errors import InputError
from bertline.processors.files.folders import exists, is_remote
from bertline.processors.files.paths import file_sizes
from bertline.processors.records import manifests


def output_files(run):
    """The shards of --output_file: those named, or as many as --num_output_shards says. All are in one folder.

    Raises:
      InputError: none is named, or one twice, or in several folders: a manifest speaks of the files beside it.
    """
    named = _parse_name(run)
    if not named:
        raise InputError("--output_file is needed")
    if len(named) > 1 and run.num_output_shards > 1:
        raise InputError("--output_file names several files: leave --num_output_shards, or name one file")
    if len({os.path.dirname(absolute(name)) for name in named}) > 1:
        raise InputError(f"--output_file={run.output_file}: several folders; one folder is needed")
    if len(set(map(os.path.basename, named))) < len(named):
        raise InputError(f"--output_file={run.output_file}: a file is named twice")
    count = run.num_output_shards
    return named if count == 1 else [f"{named[0]}-{i:05d}-of-{count:05d}" for i in range(count)]


def _parse_name(run):
    name = (run.output_file or "").strip()
    if "," in os.path.dirname(name) and os.path.isdir(os.path.dirname(name)):
        return [name]  # one file in a folder that is there, whose name has a comma
    return [one.strip() for one in name.split(",") if one.strip()]


def absolute(path):
    """The path by which files are told apart: in whatever way a local folder is spelled, that is one folder."""
    if is_remote(path):
        return path
    return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))


def manifest_file(run):
    """Where the manifest goes: beside the first output file."""
    return _parse_name(run)[0] + manifests.SUFFIX


def prepare(outputs, manifest_path, made_from, overwrite):
    """Looks at what is there before work is put into the rest; changes nothing of it.

    Args:
      outputs: paths of the shards.
      manifest_path: str.
      made_from: dict, what the manifest says where it is of the same instances.
      overwrite: whether what is there may be replaced. What the same command left unfinished may be anyhow.

    Returns:
      The names of an earlier run's shards, which are beside the manifest.

    Raises:
      InputError: there is something and it may not be replaced, or a folder cannot be written.
    """
    manifest = {}
    if exists(manifest_path):
        with contextlib.suppress(InputError):  # a damaged one names nothing, but is there
            manifest = manifests.read(manifest_path)
    earlier, same = list(manifest.get("files", [])), made_from.items() <= manifest.items()
    own = {os.path.basename(manifest_path), *earlier} if same and manifest.get("unfinished") else set()
    present = [path for path in [manifest_path, *outputs] if os.path.basename(path) not in own and exists(path)]
    if present and not overwrite:
        what = "from the same files by the same settings" if same else "by another run"
        raise InputError(f"{present[0]}: is there already, made {what}; use it, or give --overwrite or another name")
    for path in [*outputs, manifest_path]:
        if not is_remote(path):
            _check_writable(path)
    return earlier


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


def write(outputs, records, show, manifest_path, content, earlier):
    """Writes shards and manifest. Record i goes into file i modulo their number, as in the original.

    What stood there before stands there still until all records are on the disk. Then, while files take their names,
    the manifest says "unfinished" and lists old and new ones: whatever stops this leaves nothing that looks whole.

    Args:
      outputs: paths of the shards. records: iterable of bytes.
      show: a function that gets (number, record) of each.
      manifest_path: str. content: dict, what the manifest says beside the sizes of the files.
      earlier: what `prepare` gave; those that are no more are removed.

    Returns:
      The manifest, a dict.

    Raises:
      InputError: a file cannot be written.
    """
    import tensorflow as tf

    names = list(map(os.path.basename, outputs))
    try:
        with contextlib.ExitStack() as renames:
            parts = [renames.enter_context(manifests.replace_anywhere(path)) for path in outputs]
            with contextlib.ExitStack() as open_files:
                writers = [open_files.enter_context(tf.io.TFRecordWriter(path)) for path in parts]
                for i, record in enumerate(records):
                    writers[i % len(writers)].write(record)
                    show(i, record)
            both = dict.fromkeys([*earlier, *names])
            manifests.write(manifest_path, {"unfinished": True, "files": both, **content})
    except tf.errors.OpError as error:
        raise InputError(f"{outputs[0]}: cannot be written: {error.message.splitlines()[0]}") from None
    for name in set(earlier) - set(names):
        manifests.remove(os.path.join(os.path.dirname(manifest_path), name))
    manifest = {"files": dict(zip(names, file_sizes(outputs).values())), **content}
    manifests.write(manifest_path, manifest)
    return manifest
