"""The commands of `python -m libs.events`."""
