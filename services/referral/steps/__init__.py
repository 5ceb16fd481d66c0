"""What each step of a lifecycle changes, and its consequences. Pure: no table, no query, no session."""
