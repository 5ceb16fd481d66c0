"""Needs, referrals and offers: what they are, and which step leads where."""
