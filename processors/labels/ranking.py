"""Which of a query's candidates are right."""

import json

import numpy as np

from bertline import registry
from bertline.common import table_lines
from bertline.errors import InputError
from bertline.processors.base import RankedQuery
from bertline.processors.labels.base import Labels, parts_of
from bertline.processors.labels.prediction_tables import JSON_LINES
from bertline.processors.labels.predictions import Ranking
from bertline.processors.layouts.candidates import ENTRY, saved_number
from bertline.processors.records.feature_spec import Feature
from bertline.processors.text.texts import checked_query


@registry.register("labels", "ranking")
class CandidateLabels(Labels):
    """`label_ids` float32 [num_candidates] of a row: 1 of a right candidate, 0 of another one, -1 where there is none.

    Answers are arrays, the probability of each candidate of a query; right answers are arrays of bool.

    Args:
      names: there are none. num_candidates: of a row.
    """

    problem_type, verb, input_name = "ranking", "rank", "queries"

    def __init__(self, names=(), separator=",", num_candidates=8):
        super().__init__()
        self.num_candidates = num_candidates
        self.spec = {"label_ids": Feature("float32", (num_candidates,), absent=-1)}

    def encode(self, label, row=None):
        if label is None:
            return {}
        values = np.full(self.num_candidates, -1.0, np.float32)
        values[: row["count"]] = label[row["first"] : row["first"] + row["count"]]
        return {"label_ids": values}

    def answers(self, outputs, examples=None, layout=None):
        """See base class: list of float [candidates]."""
        scores, parts = outputs["scores"], parts_of(outputs)
        if examples is None:
            return [_softmax(_joined(scores[part], outputs["is_there"][part])) for part in parts]
        # To the model a pair without a token is not there; all the same it has its place among the candidates.
        return [_softmax(np.concatenate(scores[part])[: len(one.candidates)]) for part, one in zip(parts, examples)]

    def golds(self, outputs, examples=None):
        if examples is not None:
            return [None if one.label is None else np.array(one.label) for one in examples]
        found = (outputs["label_ids"][part] for part in parts_of(outputs))
        return [_joined(labels, labels >= 0) > 0 for labels in found]

    def check(self, examples, split):
        for one in examples:
            if one.label is None and split != "test":
                raise InputError(f"{one.source or one.guid}: no label; every {split} row needs 1 or 0")

    def example(self, given, place="query"):
        """See base class. A pair (query, list of candidates), or a dict of both by these names."""
        return RankedQuery(place, *checked_query(given, place))

    def sample_inputs(self, texts):
        return [("a", (text, "a")) for text in texts]

    def predictions(self, outputs, examples, layout, rows):
        """See base class: list of Ranking."""
        cut = (any("uncut_length" in row for row in own) for own in rows)
        return [self._ranking(*one) for one in zip(examples, self.answers(outputs, examples), cut)]

    def _ranking(self, example, answer, truncated):
        places = np.argsort(-answer, kind="stable").tolist()
        texts = tuple(example.candidates[i] for i in places)
        return Ranking(texts, tuple(float(answer[i]) for i in places), tuple(places), truncated)

    def prediction_files(self, answers, examples=None, truncated=None, file_format="tsv"):
        """test_results.tsv: the probabilities of each query's candidates; predictions.*: a row for each candidate."""
        lines = ("\t".join(str(float(value)) for value in answer) for answer in answers)
        rows = _candidate_rows(answers, examples, truncated)
        if file_format == JSON_LINES:
            table = (json.dumps(row, ensure_ascii=False) for row in rows)
        else:
            table = _table(rows, table_lines.DELIMITERS[file_format])
        return {"test_results.tsv": lines, f"predictions.{file_format}": table}

    def config_entries(self):
        return {"problem_type": self.problem_type, ENTRY: self.num_candidates}

    @classmethod
    def saved_options(cls, config):
        said = saved_number(config)
        return {} if said is None else {ENTRY: said}

    def distribution(self, labels):
        labels = list(labels)
        return f"{len(labels)} queries, {sum(map(len, labels))} candidates, {sum(map(sum, labels))} of them right"


def _joined(values, is_there):
    """[rows, num_candidates] twice -> [candidates] of those that are there."""
    return np.concatenate(values)[np.concatenate(is_there) > 0]


def _softmax(scores):
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


def _candidate_rows(answers, examples, truncated):
    """Yields a dict for each candidate, in the order of the files."""
    for i, answer in enumerate(answers):
        one = examples[i] if examples else None
        ranks = np.empty(len(answer), int)
        ranks[np.argsort(-answer, kind="stable")] = np.arange(1, len(answer) + 1)
        for number, (probability, rank) in enumerate(zip(answer.tolist(), ranks.tolist())):
            row = {
                "guid": one.guid if one else f"row-{i + 1}",
                "rank": rank,
                "probability": float(f"{probability:.6g}"),
            }
            if one and one.label is not None:
                row["true_label"] = int(one.label[number])
            if truncated is not None:
                row["truncated"] = bool(truncated[i])
            yield row | ({"query": one.query, "candidate": one.candidates[number]} if one else {})


def _table(rows, delimiter):
    header = None
    for row in rows:
        if header is None:
            header = list(row)
            yield table_lines.line(header, delimiter)
        # JSON has booleans; a table has the words that its other columns of this kind have.
        cells = (str(value).lower() if isinstance(value, bool) else value for value in map(row.get, header))
        yield table_lines.line(["" if cell is None else cell for cell in cells], delimiter)
