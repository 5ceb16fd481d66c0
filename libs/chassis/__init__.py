"""What every service repeats: settings, database, clock, errors, auth, idempotency, paging, telemetry, health.

No word of the domain lives here. Import from the file that owns the name.
"""
