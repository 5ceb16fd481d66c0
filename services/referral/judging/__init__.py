"""Offers that were made are judged again: when facts change, and at the moment of use (DESIGN 5)."""
