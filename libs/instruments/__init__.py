"""Instruments of a country pack: versioned questions as data, what follows from the answers, and the checks."""
