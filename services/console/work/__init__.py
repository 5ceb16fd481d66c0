"""work shows the lists of the desks, and carries out what a desk decides about a need."""
