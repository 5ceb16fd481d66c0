"""Queues of referrals that only a missing place keeps from being offered."""
