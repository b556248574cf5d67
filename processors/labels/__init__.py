"""What the labels of each type of problem are; see `bertline.processors.labels.base`."""
