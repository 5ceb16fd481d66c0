"""Measures the console: the time of each page beside the slowest of its API calls, and the cost of many watchers."""
