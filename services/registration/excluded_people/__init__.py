"""Private people whom a person excludes: who must be kept apart from whom."""
