"""Declared capacity: places per pool at a stated time, and how far the figures of a provider are trusted."""
