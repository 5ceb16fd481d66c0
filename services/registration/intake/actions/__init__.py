"""The actions that register new people, add further data of the same arrival, and correct data."""
