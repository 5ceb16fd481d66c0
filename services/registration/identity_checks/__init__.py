"""Proof of identity without papers: questions chosen from what is known of a person, with few tries (domain P25)."""
