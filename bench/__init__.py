"""Measurements of Enlace and of references in the same run, on real Kafka and real PostgreSQL.

The results are ratios between the two. There are no limits in seconds, because times depend on the machine.
"""
