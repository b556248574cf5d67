"""Weights on disk, one file per format."""
