"""A report of a split alone, and what its tables say."""

import html
import re

import numpy as np

from bertline.training.reporting.model_card import Split
from bertline.training.reporting.page import coloured_text, report
from bertline.training.reporting.page.run_facts import RunFacts

EVIL = "<script>alert('x')</script>&amp;"
RUN = RunFacts("a <b> run", "bert", "python run_classifier.py --data_dir='<i>'", [("data_dir", "<i>")], 3)


class Plain:
    """Texts without colours, and the weights that they were asked for."""

    def texts(self, examples, weights):
        self.weights = np.asarray(weights)
        assert len(self.weights) == len(examples)
        return [coloured_text.plain(one) for one in examples]


def page(tmp_path, evaluated, colours=None):
    counts = {"dev": evaluated.labels.counts([one.label for one in evaluated.examples or ()])}
    splits = [Split("dev", len(evaluated.golds), 1, EVIL, 17)]
    report.save(tmp_path, report.page(tmp_path, RUN, splits, counts, [evaluated], colours or Plain()))
    return (tmp_path / "report.html").read_text(encoding="utf-8")


def tables(shown):
    """Lists of rows of cells, of all tables."""
    found = re.findall(r"<table.*?</table>", shown, re.DOTALL)
    rows = [re.findall(r"<tr>(.*?)</tr>", one, re.DOTALL) for one in found]
    cells = [[re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in table] for table in rows]
    return [[[html.unescape(cell) for cell in row] for row in table] for table in cells]


def table(shown, first):
    """The table whose first cell it is."""
    return next(one for one in tables(shown) if one[0][0] == first)
