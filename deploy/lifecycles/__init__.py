"""The page of the lifecycles, made from the tables of states."""
