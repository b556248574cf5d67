"""Objectives: an encoder with a head, a loss, metrics and prediction lines. One file each."""
