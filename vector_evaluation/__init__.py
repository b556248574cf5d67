"""How good the vectors of an encoder are: similarity of pairs, and classes from frozen vectors."""
