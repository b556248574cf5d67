"""Several runs under a folder, to choose by: folds of a cross-validation, trials of a search."""
