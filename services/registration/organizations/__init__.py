"""What the directory has published about organisations: whether they take part, and for which categories."""
