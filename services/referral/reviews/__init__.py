"""Reviews: decisions that wait for a person. This part owns their table; the part `desk` shows and decides them."""
