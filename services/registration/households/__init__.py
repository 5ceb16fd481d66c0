"""Households: who belongs together, who is the reference person, and whether they want to stay together."""
