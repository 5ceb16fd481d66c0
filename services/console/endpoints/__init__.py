"""Connections of a provider: addresses to which webhooks are sent, their secrets, and their deliveries."""
