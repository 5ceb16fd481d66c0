"""The part of the country pack for routing, as closed models."""
