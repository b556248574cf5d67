"""Encoders: features in, hidden states out. One file each; the file name is the registered name."""
