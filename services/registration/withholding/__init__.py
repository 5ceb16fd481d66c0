"""What a person withholds: the private people whom they exclude, and the reasons of all that they withhold."""
