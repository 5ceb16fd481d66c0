"""What changes consents and safe contacts."""
