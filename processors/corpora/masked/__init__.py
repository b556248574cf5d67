"""Token sequences of which some are hidden: kinds of records that masked language models learn from."""
