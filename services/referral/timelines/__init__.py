"""A person's journey as one list of what happened, as far as the reader may know it."""
