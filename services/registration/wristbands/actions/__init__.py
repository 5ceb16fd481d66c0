"""Issue bands, assign them to registered people, give them up, and record the stages of check-ins."""
