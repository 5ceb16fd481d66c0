"""People's own data, for the data protection officer: who looked at what, consents, deletion requests, erasure."""
