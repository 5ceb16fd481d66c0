"""The rule of the inbox: how long an organisation can read its notifications."""

from datetime import timedelta

RETENTION = timedelta(days=30)
"""The retention of notifications and finished deliveries, in real time (DESIGN 6: forwarded data are deleted within 30
days)."""
