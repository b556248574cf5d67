"""docs/tour.ipynb of docs/tour.py: what follows a line `# %%` is a cell; all of them are run.

`make notebook` installs requirements-docs.txt and runs this.
"""

import pathlib
import re
import shutil
import sys

SCRIPT = pathlib.Path(__file__).with_name("tour.py")
MARK = re.compile(r"^# %%(?P<markdown> \[markdown\])?\n", re.MULTILINE)
SECONDS = 1200  # of a cell, at most


def cells(source):
    """list of ("markdown" or "code", text) of a script."""
    marks = list(MARK.finditer(source))
    ends = [mark.start() for mark in marks[1:]] + [len(source)]
    found = []
    for mark, end in zip(marks, ends):
        text = source[mark.end() : end].strip()
        plain = re.sub(r"^# ?", "", text, flags=re.MULTILINE) if mark["markdown"] else text
        found.append(("markdown" if mark["markdown"] else "code", plain))
    return found


def main():
    import nbformat
    from nbclient import NotebookClient

    new = {"markdown": nbformat.v4.new_markdown_cell, "code": nbformat.v4.new_code_cell}
    made = [
        new[kind](text, id=f"cell-{number}") for number, (kind, text) in enumerate(cells(SCRIPT.read_text("utf-8")), 1)
    ]
    notebook = nbformat.v4.new_notebook(cells=made)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    root = SCRIPT.parents[1]
    for run in root.glob("output/tour*"):  # a finished run would not be trained again
        shutil.rmtree(run)
    client = NotebookClient(
        notebook,
        timeout=SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(root)}},
        record_timing=False,
        coalesce_streams=True,
    )
    client.execute()
    for cell in notebook.cells:
        if "outputs" in cell:  # bars of progress are for whoever waits
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    nbformat.write(notebook, SCRIPT.with_suffix(".ipynb"))
    print(f"wrote {SCRIPT.with_suffix('.ipynb')}", file=sys.stderr)


if __name__ == "__main__":
    main()
