"""The actions of an operator: hold a relay, move a position, read a log, publish again, retry."""
