"""Losses of classes, one file each."""
