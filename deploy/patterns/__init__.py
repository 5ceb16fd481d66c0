"""Finds the regular expressions in the code, and refuses those whose cost can grow faster than the length of a text."""
