"""The actions on matches: people are compared, and staff decide."""
