"""People announced, not yet met: their names prepare reception and nothing else, and age out."""
