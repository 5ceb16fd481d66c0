"""Flights and buses, their manifests, and every person who comes, by REST or by event."""
