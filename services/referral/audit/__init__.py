"""The record of who read or changed which data about a person. It is append-only and sealed by a hash chain."""
