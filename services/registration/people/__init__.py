"""Returnees: sealed identity, routing profile, search."""
