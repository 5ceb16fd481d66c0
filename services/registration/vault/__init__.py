"""The vault: a data key per person, stored in a separate database and encrypted with a key from outside it."""
