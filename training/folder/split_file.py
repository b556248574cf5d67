"""OUTPUT_DIR/split.tsv: which rows of a file that was split a folder's run was trained with."""

import os

from bertline.common.files import replace_file
from bertline.processors.tables import splitting
from bertline.training.folder import run_folder


def known_splits(run, splitter):
    """digest -> split of the rows that the weights were trained with; None where their run split no file.

    It is the run of the output folder, or else that of --init_checkpoint, unless the Splitter has fractions.
    """
    found = _of(run.output_dir)
    if found is None and not splitter.fractions:
        found = _of(run_folder.run_of(run.init_checkpoint))
    return found


def _of(folder):
    """What the split.tsv of a folder says; of one seed's folder the one beside it, which all seeds share."""
    if not folder:
        return None
    folder = os.path.normpath(folder)
    seeds = os.path.dirname(folder) if os.path.basename(folder).startswith("run-") else folder
    found = [path for path in (os.path.join(one, splitting.FILE) for one in (folder, seeds)) if os.path.exists(path)]
    return splitting.read(found[0]) if found else None


def write(run, processor):
    """Writes OUTPUT_DIR/split.tsv where the run trains on a part of a file, so that it is known which part."""
    lines = processor.splitter.lines() if hasattr(processor, "splitter") and run.do_train and not run.dry_run else []
    if lines:
        with (
            replace_file(os.path.join(run.output_dir, splitting.FILE)) as path,
            open(path, "w", encoding="utf-8") as file,
        ):
            file.writelines(f"{line}\n" for line in lines)
