"""Stores what registration publishes: profiles, households, arrival batches and needs."""
