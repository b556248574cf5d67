"""What the labels of each type of problem are; see `processors.labels.base`."""
