"""Many answers in one call: a provider answers up to a hundred offers and gets a result for each answer."""
