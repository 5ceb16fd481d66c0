"""Whose identity data have reached their end, and how an officer extends it. No program erases a person."""
