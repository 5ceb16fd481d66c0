"""Publishing an outbox: which relay is the leader, and which events Kafka has acknowledged."""
