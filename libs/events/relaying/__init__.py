"""Publishing an outbox: which relay leads, and what Kafka has acknowledged."""
