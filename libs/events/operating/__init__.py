"""What an operator does by hand: hold a relay, move a position, look into a log, publish again, retry."""
