"""Changes of organisations, services and locations, by administrators and by each provider for its own."""
