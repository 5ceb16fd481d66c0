"""A message on Kafka: CloudEvents attributes, and parsing that a newer producer does not break."""
