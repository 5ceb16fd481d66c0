"""Opening journeys under their locks, and writing what was decided about them."""
