"""Training and using a model in a few lines of Python: what `bertline.fit` and `bertline.load` are made of."""
