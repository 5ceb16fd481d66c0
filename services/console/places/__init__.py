"""Places of a provider: declared figures and their age, what the network holds and has taken, a new declaration."""
