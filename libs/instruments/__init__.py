"""Instruments of a country pack: questions to people as versioned data, what follows from the answers, and the checks."""
