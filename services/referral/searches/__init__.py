"""Searches for people who could not be found: every attempt is recorded, and a list shows the next person to find."""
