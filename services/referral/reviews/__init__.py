"""Reviews: decisions that wait for a person. This part owns their table; the desk shows them."""
