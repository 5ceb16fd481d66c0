"""The system in containers: the image, the databases, the one-shot jobs, the secrets."""
