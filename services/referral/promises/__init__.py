"""What referral promises, watched: one query each, looked at every minute; every breach gets a person."""
