"""The system in containers: the image, what PostgreSQL starts with, the jobs that run once, the secrets."""
