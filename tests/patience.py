"""How long a test waits for what must happen: a busy machine is no failure, only what hangs is."""

PATIENCE = 600  # seconds
