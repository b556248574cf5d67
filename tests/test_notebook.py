"""docs/tour.ipynb is what docs/tour.py says, and was run from its beginning to its end."""

import importlib.util
import json
import pathlib

DOCS = pathlib.Path(__file__).resolve().parents[1] / "docs"


def test_the_notebook_is_the_script_that_was_run():
    spec = importlib.util.spec_from_file_location("make_notebook", DOCS / "make_notebook.py")
    make_notebook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_notebook)
    made = json.loads((DOCS / "tour.ipynb").read_text(encoding="utf-8"))["cells"]
    found = [(cell["cell_type"], "".join(cell["source"])) for cell in made]
    assert found == make_notebook.cells((DOCS / "tour.py").read_text(encoding="utf-8")), "run `make notebook`"
    code = [cell for cell in made if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell["outputs"]]
    assert {output["output_type"] for output in outputs} == {"stream", "execute_result"}
    assert "/home/" not in json.dumps(outputs) and "/root/" not in json.dumps(outputs)


def test_cells_of_a_script():
    spec = importlib.util.spec_from_file_location("make_notebook", DOCS / "make_notebook.py")
    make_notebook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_notebook)
    script = "# %% [markdown]\n# # Title\n#\n# text\n\n# %%\nimport os\n\nx = 1  # %% not a cell\n"
    assert make_notebook.cells(script) == [
        ("markdown", "# Title\n\ntext"),
        ("code", "import os\n\nx = 1  # %% not a cell"),
    ]
