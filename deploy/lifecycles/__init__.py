"""Generates the page with the lifecycles from the tables of states."""
