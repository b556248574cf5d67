"""--search_stop=median: a trial ends where its best score so far is below what the others had on average by then.

Source: Golovin et al. 2017, "Google Vizier: A Service for Black-Box Optimization", section 3.2.1.
"""

import os
import statistics

from bertline.training.choosing.members import FINISHED
from bertline.training.reporting import metrics_table

FEWEST = 3  # others that a median is taken of


class MedianStop:
    """The rule for one trial.

    A run of the trial, of one seed or one fold, is compared with the runs of the same name of the trials before it.
    What it says is a function of the tables of these runs, so a search that was killed goes on to the same end.

    Args:
      folder: of the trial. others: of the trials before it.

    Attributes:
      stopped_at: the step at which it has stopped a run of the trial; None: it has stopped none.
    """

    def __init__(self, folder, others):
        self._folder, self._others, self.stopped_at = folder, others, None

    def is_hopeless(self, output_dir, score, lower_is_better, step):
        """Whether a run may end at a step.

        Args:
          output_dir: of the run, in the folder of the trial. score: as eval_results.txt names it.
        """
        name = os.path.relpath(output_dir, self._folder)
        sign = -1.0 if lower_is_better else 1.0
        finished = [one for one in self._others if os.path.exists(os.path.join(one, FINISHED))]
        others = [read_scores(os.path.join(one, name), score, sign) for one in finished]
        hopeless = is_below_median(read_scores(output_dir, score, sign), others, step)
        if hopeless:
            self.stopped_at = step
        return hopeless


def is_below_median(own, others, step):
    """The rule: the best score until a step is below the median of the others' means of their scores until it.

    Args:
      own: (step, score) of the evaluations of the run; higher is better. others: those of other runs.

    Returns:
      False, too, where the run has no score yet, or fewer than FEWEST others were evaluated at this step or later.
    """
    reached = [[score for at, score in scores if at <= step] for scores in others if scores and scores[-1][0] >= step]
    averages = [statistics.fmean(scores) for scores in reached if scores]
    scores = [score for at, score in own if at <= step]
    return bool(scores) and len(averages) >= FEWEST and max(scores) < statistics.median(averages)


def read_scores(output_dir, score, sign=1.0):
    """(step, score times sign) of each evaluation of a run, by step."""
    _, rows = metrics_table.read(os.path.join(output_dir, metrics_table.NAME))
    return [(row["step"], sign * float(row[f"eval/{score}"])) for row in rows if f"eval/{score}" in row]
