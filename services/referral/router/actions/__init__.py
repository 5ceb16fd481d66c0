"""What the router does: rounds, decisions of people, and work between rounds."""
