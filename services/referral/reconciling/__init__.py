"""After a restore: lists what referral knows, and makes desks owners of needs that registration has lost."""
