"""One client as a member of a consumer group: where it begins, what it fetches, when it is replaced."""
