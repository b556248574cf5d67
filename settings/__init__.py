"""The settings of a run, each declared once: a field is a flag of the script and an argument in Python.

A file for each script. No TensorFlow is imported here, so that `--help` and wrong flags answer at once.
"""
