"""The actions on needs, ordinary and restricted: report, repeat, withdraw, move."""
