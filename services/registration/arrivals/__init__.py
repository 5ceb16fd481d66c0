"""Flights and buses, their manifests, and every arriving person, by REST or by event."""
