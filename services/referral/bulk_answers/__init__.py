"""Many answers in one call: a provider accepts, declines or acknowledges up to a hundred offers, each with a result."""
