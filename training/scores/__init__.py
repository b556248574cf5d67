"""Scores by name; see `bertline.training.scores.score`."""
