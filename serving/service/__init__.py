"""A Predictor over HTTP: one bounded queue, batches across clients, a page to look at. See serve.py."""
