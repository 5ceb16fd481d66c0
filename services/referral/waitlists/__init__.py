"""Queues of referrals that get no offer only because no place is free."""
