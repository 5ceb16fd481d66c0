"""How one process of the bus ends its tasks, and is killed by a test."""
