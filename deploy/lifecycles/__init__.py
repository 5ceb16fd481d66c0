"""The page of the lifecycles, generated from the tables of states."""
