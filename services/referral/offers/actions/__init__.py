"""Answers to offers: one by one, or many in one transaction."""
