"""Journeys: one returnee's needs, referrals, offers and stays, in memory and in their tables."""
