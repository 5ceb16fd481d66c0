"""Screenings: one protected conversation with a person, led by somebody with a certificate, sealed."""
