"""The tables of a comparison, as rows of str with a header: for the screen, for files and for the page."""


def setting_cell(value):
    """A setting as a cell."""
    return "" if value is None else str(value)


def score_rows(runs):
    """A row of str for each run, with a header: its scores, with deviations of several seeds or folds."""
    names = list(dict.fromkeys(name for run in runs for name in sorted(run.scores) if name != "loss"))
    return [["run", *names], *([run.name, *(score_cell(run, name) for name in names)] for run in runs)]


def score_cell(run, name):
    """A score as a cell, "" where the run has none."""
    if name not in run.scores:
        return ""
    deviation = f" ± {run.deviations[name]:.4f}" if name in run.deviations else ""
    return f"{run.scores[name]:.4f}{deviation}"


def significance_rows(tests, confidence):
    """A row of str for each run and score, with a header."""
    rows = [["run", "score", "first", "this", "difference", f"{confidence:.0%} interval", "p"]]
    for test in tests:
        for name, one in test.differences.items():
            interval = f"{one.low:+.4f} to {one.high:+.4f}"
            numbers = [f"{one.first:.4f}", f"{one.other:.4f}", f"{one.other - one.first:+.4f}", interval]
            rows.append([test.name, name, *numbers, f"{one.p_value:.4f} (paired bootstrap)"])
        both = test.disagreement
        if both:
            rows.append(
                [test.name, "rows that one alone has right", str(both.only_first), str(both.only_other)]
                + [f"{both.only_other - both.only_first:+d}", "", f"{both.p_value:.4f} (McNemar, exact)"]
            )
    return rows
