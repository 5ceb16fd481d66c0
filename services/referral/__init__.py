"""Referral owns needs, referrals, offers, the ledger of places, routing decisions, clocks and outcomes."""
