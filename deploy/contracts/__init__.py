"""The contracts of the bus as files: generated from catalogue and services, compared with earlier versions."""
