"""The actions on arrivals: batches are announced and land, and references are resolved to batches."""
