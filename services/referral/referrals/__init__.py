"""The steps of a referral after acceptance, its end, and its clocks."""
