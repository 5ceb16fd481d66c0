"""Looking for people who could not be found: every attempt is logged, and a queue says whom to look for next."""
