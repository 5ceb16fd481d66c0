"""The rules for consents and for safe contacts (pure)."""
