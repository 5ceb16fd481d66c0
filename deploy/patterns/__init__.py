"""Regular expressions of the tree: found, and refused where a text makes one of them cost more than its length."""
