"""Access to one person's identity and safe contact to save a life: a reason, a second person, an end, a review."""
