"""What Enlace is made of, as a bill of materials, and whether any of it has a published vulnerability."""
