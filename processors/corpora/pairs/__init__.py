"""Texts and what belongs to them, kept apart: kinds of records that rankings of texts learn from."""
