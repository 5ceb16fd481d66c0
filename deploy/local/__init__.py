"""Runs the whole system on one machine from Python packages: PostgreSQL, Kafka, a token issuer, the four services."""
