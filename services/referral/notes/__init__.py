"""Notes: all free text about returnees, in one table, so that it can be deleted while the recorded steps remain."""
