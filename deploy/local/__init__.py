"""The whole system on one machine: PostgreSQL, Kafka, a token issuer and the four services, with nothing but Python."""
