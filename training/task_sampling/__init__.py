"""Which task a step of a run on several tasks learns from, one file for each way."""
