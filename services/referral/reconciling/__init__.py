"""After a restore: what referral knows of people, and the desks that answer for what registration has lost."""
