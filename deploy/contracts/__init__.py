"""The contracts of the bus as files: written from catalogue and services, checked against what was published."""
