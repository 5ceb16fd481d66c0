"""How Enlace is run: locally, in containers, and with which country pack."""
