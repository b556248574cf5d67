"""All tokens of a corpus in order: kinds of records that causal language models learn from."""
