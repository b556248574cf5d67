"""Rows of a query and a candidate each, as queries with their candidates."""

import logging

from bertline.errors import InputError
from bertline.processors.base import RankedQuery

log = logging.getLogger(__name__)


def group_rows(rows, is_right):
    """Queries in the order in which they first come, each with the candidates of all its rows: list of RankedQuery.

    Args:
      rows: InputExamples: text_a is the query, text_b the candidate.
      is_right: label of a row -> whether its candidate is right.

    Raises:
      InputError: a row without a second text; a query of which some rows have a label and some have none.
    """
    queries = {}
    for row in rows:
        if row.text_b is None:
            raise InputError(f"{row.source or row.guid}: no second text; the first is a query, the second a candidate")
        queries.setdefault(row.text_a, []).append(row)
    return [_query(query, of_query, is_right) for query, of_query in queries.items()]


def _query(query, rows, is_right):
    first, labels = rows[0], [row.label for row in rows]
    unlabelled = next((row for row in rows if row.label is None), None)
    if unlabelled and any(label is not None for label in labels):
        raise InputError(f"{unlabelled.source}: no label, and other candidates of the same query have one")
    label = None if unlabelled else tuple(map(is_right, labels))
    return RankedQuery(first.guid, query, tuple(row.text_b for row in rows), label, first.source)


def training_queries(queries, num_candidates):
    """What is learned of some queries: one right candidate among wrong ones, `num_candidates` at most; a list.

    A query comes once for each right candidate and for each stretch of its wrong ones. One without a right or without
    a wrong candidate says nothing, and is left out.

    Source: Liu et al. 2019 (MT-DNN), https://arxiv.org/abs/1901.11504, section 3.1, "exactly one positive".

    Raises:
      InputError: none is left.
    """
    found, left_out = [], 0
    for one in queries:
        right, wrong = (
            [text for text, is_right in zip(one.candidates, one.label or ()) if is_right == wanted]
            for wanted in (True, False)
        )
        left_out += not (right and wrong)
        for text in right:
            for start in range(0, len(wrong), num_candidates - 1):
                others = wrong[start : start + num_candidates - 1]
                label = (True, *([False] * len(others)))
                found.append(RankedQuery(one.guid, one.query, (text, *others), label, one.source))
    if left_out:
        log.info("%d of %d queries are left out: all of their candidates are right, or none is", left_out, len(queries))
    if not found:
        where = queries[0].source or queries[0].guid if queries else "the training file"
        raise InputError(f"{where}: no query has a right and a wrong candidate; nothing can be learned")
    return found
