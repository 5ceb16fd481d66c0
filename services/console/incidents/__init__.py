"""Incidents: record one, see which duties are late, find whose data were concerned, record what was done, close."""
