"""The law of the inbox: for how long an organisation can read what it was told."""

from datetime import timedelta

RETENTION = timedelta(days=30)
"""Of notifications and finished deliveries, in real time (DESIGN 6: what passes on ages out within 30 days)."""
