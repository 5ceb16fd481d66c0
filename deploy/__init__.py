"""Running Enlace: locally, in containers, and with a country pack."""
