"""Clocks: rows that say when something is due, and the loop that fires each of them once."""
