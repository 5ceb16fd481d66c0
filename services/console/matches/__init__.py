"""Pairs of records that may be one person: compare them, decide, undo a merge."""
