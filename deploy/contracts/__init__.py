"""Generates the contracts of the event bus from catalogue and services, and compares them with earlier versions."""
