"""Which organisation may fetch or has fetched a packet of whom, and what it was asked to delete again."""
