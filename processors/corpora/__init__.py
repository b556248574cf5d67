"""Kinds of corpus data, found by their registered names: records made of a stream of documents, and batches of them."""
