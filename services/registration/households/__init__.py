"""Who belongs together, who speaks for them, and whether they wish to stay together."""
