"""Which people must be kept apart, and where they are or are asked for."""
