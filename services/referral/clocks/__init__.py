"""Clocks: rows with the time at which something is due, and the loop that fires each clock once."""
