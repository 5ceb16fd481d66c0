"""How a process of the bus ends its tasks, and how a test kills it."""
