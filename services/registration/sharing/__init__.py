"""Which organisation may fetch, or has fetched, whose packet, and what it was asked to delete."""
