"""Ownership of needs when staff change: hand-over between desks, and absence with a deputy."""
