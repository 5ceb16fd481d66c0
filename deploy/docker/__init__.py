"""The system in containers: the image, the databases, the jobs that run once, and the secrets."""
