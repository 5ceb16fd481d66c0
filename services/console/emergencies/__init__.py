"""Access to one person to save a life: ask, decide as the second person, see the person until the end, review."""
