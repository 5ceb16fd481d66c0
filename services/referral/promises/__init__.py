"""The promises (invariants) of referral. Each has one query that runs every minute; each breach gets a review."""
