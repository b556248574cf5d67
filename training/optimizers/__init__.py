"""Optimizers, one file for each."""
