"""Returnees and households: sealed identity, routing profile, erasure."""
