"""Releases of children who are alone: the steps of several people, what is missing, and who may do it."""
