"""Existing offers are evaluated again when facts change and when they are answered (DESIGN 5)."""
