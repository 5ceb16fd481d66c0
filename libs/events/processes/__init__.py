"""How one process of the bus ends its tasks, wakes its relays, and is killed by a test."""
