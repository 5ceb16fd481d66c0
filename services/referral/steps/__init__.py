"""What each step of a lifecycle changes, and what follows from it. Pure: no table, no query, no session."""
