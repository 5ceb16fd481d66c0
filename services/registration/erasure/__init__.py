"""Erases a person: destroys the key, records the erasure, and repeats it after every restore."""
