"""Scores by name; see `training.score`."""
