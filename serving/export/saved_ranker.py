"""A ranker of candidates as a SavedModel: a query and its candidates in, their probabilities and their order out."""

import numpy as np
import tensorflow as tf

from bertline.serving.export.saved_module import Head


class RankerModule(Head):
    """Of a query, string [], and its candidates, string [n]: `probabilities` float32 [n], that each is the right one
    among them, and `order` int32 [n], their places from the best to the worst, of equal ones the first before.
    """

    signatures = {
        "serving_default": [tf.TensorSpec([], tf.string, "query"), tf.TensorSpec([None], tf.string, "candidates")]
    }
    example = ("How large is it?", ["It is blue.", "It is two metres wide."])
    stacks_texts = True

    def __init__(self, objective, labels):
        super().__init__(objective, objective.encoder)

    def function(self, layout, scope):
        tokenize, features = layout.tokenizer.graph_form(), layout.own.graph_form()

        def rank(query, candidates):
            queries = tf.fill(tf.shape(candidates), query)
            pairs = features(tokenize(queries), tokenize(candidates))
            with scope():
                # A row for each candidate, which has it alone: its score does not depend on the others.
                scores = self.model({f"c0_{name}": values for name, values in pairs.items()})["scores"][:, 0]
            probabilities = tf.nn.softmax(scores)
            order = tf.argsort(probabilities, direction="DESCENDING", stable=True)
            return {"probabilities": probabilities, "order": order}

        return rank, tokenize.resources

    def compare(self, module, live, texts):
        """See base class: the first and the last text are a query each, and all are candidates."""
        queries = texts[0], texts[-1]
        for query, ranking in zip(queries, live.rank([(query, texts) for query in queries])):
            expected = np.empty(len(texts), np.float32)
            expected[list(ranking.places)] = ranking.probabilities
            yield "probabilities", module(tf.constant(query), tf.constant(texts))["probabilities"].numpy(), expected
