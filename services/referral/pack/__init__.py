"""What the country pack says of routing, as closed models."""
