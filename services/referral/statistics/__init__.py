"""Needs in numbers, met and unmet, with small cells left out."""
