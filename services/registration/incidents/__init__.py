"""Incidents of data protection: what happened, what was done, and whose data were read or written by whom."""
