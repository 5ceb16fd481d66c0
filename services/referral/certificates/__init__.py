"""The certificates that the directory has published, without the names of their holders."""
