"""Requests of authorities about people: recorded, and answered by a person. No data are given by this part."""
