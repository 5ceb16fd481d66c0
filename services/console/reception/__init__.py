"""Flights and buses at a reception place, the registration of people, and the search for them."""
