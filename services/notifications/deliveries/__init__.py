"""The delivery of each notification to one endpoint: claim, signature, sending, retries, log."""
