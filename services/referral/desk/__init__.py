"""What a person decides in place of the router: reviews and overrides."""
