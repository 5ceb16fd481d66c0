"""The record of who read or wrote which personal data: append-only and sealed by a hash chain."""
