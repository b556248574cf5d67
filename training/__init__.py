"""The training loop and what it stands on. Names no task and no encoder."""
