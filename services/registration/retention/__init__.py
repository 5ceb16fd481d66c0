"""The end of each kind of data, and how much of each has gone."""
