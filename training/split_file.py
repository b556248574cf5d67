"""OUTPUT_DIR/split.tsv: which rows of a file that was split a folder's run was trained with."""

import os

from files import replaced
from processors import splitting


def known(run):
    """digest -> split of the rows that the output folder's run was trained with; None where it split no file."""
    folder = os.path.normpath(run.output_dir)
    for place in (folder, os.path.dirname(folder)) if os.path.basename(folder).startswith("run-") else (folder,):
        if os.path.exists(os.path.join(place, splitting.FILE)):
            return splitting.read(os.path.join(place, splitting.FILE))
    return None


def write(run, processor):
    """Writes OUTPUT_DIR/split.tsv where the run trains on a part of a file, so that it is known which part."""
    lines = processor.splitter.lines() if hasattr(processor, "splitter") and run.do_train and not run.dry_run else []
    if lines:
        with replaced(os.path.join(run.output_dir, splitting.FILE)) as path, open(path, "w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
