"""The files that a run leaves behind, in the original's formats, and richer ones beside them."""

import json
import logging

from bertline.common.files import replace_file


def write_lines(path, lines):
    """Writes lines beside the place and renames, so that a half-written file is never taken for a whole one."""
    with replace_file(path) as unfinished, open(unfinished, "w", encoding="utf-8", newline="\n") as file:
        file.writelines(line + "\n" for line in lines)


def write_eval_results(path, results, title="Eval results"):
    """`eval_results.txt`: one `key = value` a line, keys sorted, as in the original."""
    logging.info("***** %s *****", title)
    for key in sorted(results):
        logging.info("  %s = %s", key, results[key])
    write_lines(path, (f"{key} = {results[key]}" for key in sorted(results)))


def write_json(path, value):
    with replace_file(path) as unfinished, open(unfinished, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=2, ensure_ascii=False)
