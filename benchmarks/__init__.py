"""Measurements: speed and scores beside other systems, start-up time, what removing padding is worth."""
