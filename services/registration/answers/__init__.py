"""Answers of people to instruments of the country pack, sealed, and the needs that follow from them."""
