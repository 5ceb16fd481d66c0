"""Who read or wrote what referral knows of a person; append-only and sealed by a hash chain."""
