"""Sealing: a data key per person, kept in a database of its own, wrapped by a key from outside it."""
