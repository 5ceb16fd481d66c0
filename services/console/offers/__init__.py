"""Offers of a provider: what waits for an answer, what is served, the person's data after acceptance, reports, requests
to delete data."""
