"""Encoders, objectives and their layers."""
