"""What becomes of a referral after acceptance, and how it ends."""
