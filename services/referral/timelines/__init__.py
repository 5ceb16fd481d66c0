"""A person's journey as one list of what happened, limited to what the reader may see."""
