"""Receipts: the page about one consent that a person takes along."""
