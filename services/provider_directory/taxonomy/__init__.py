"""The kinds of need of this country, for everybody who tells or meets needs."""
