"""Finds the records of a CSV file that may be of one person. It needs no database and no network."""
