"""Enlace beside a reference, in one run, on real Kafka and real PostgreSQL: ratios, never bounds on time."""
