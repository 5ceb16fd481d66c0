"""The demo: a directory, a flight of 135 and a bus of 40, partners that answer, and a check of the invariants."""
