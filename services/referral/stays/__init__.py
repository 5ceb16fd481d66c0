"""Stays: exit plan, alarms, extensions, end, and the list of people who leave without a next step."""
