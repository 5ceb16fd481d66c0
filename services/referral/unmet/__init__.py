"""Unmet needs, counted by category, area and reason, with small cells left out."""
