"""Task processors, one file per family of tasks, found by their registered names."""
