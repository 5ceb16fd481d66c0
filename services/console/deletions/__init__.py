"""Requests to delete data: what a provider is asked to delete, and its answer."""
