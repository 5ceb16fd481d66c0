"""The actions on consents and safe contacts."""
