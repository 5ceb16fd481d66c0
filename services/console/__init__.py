"""console shows the four services to people in a browser. It owns no data and has no privilege of its own."""
