"""What changes packets: they open, are fetched, and close."""
