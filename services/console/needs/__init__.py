"""What a registered person needs, as told at intake."""
