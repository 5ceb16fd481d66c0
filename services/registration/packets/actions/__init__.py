"""The actions on packets: they open, are fetched, and close."""
