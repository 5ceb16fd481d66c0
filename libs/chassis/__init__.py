"""The common parts of every service: settings, database, clock, errors, auth, idempotency, paging, telemetry, health.

It contains nothing of the domain. Import each name from the file that defines it.
"""
