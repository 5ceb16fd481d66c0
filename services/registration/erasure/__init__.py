"""Erasing a person: the key is destroyed, remembered, and replayed after every restore."""
