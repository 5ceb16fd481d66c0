"""The kinds of need of a country pack, read by every service that stores or routes them."""
