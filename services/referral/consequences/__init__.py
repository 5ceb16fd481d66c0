"""What follows for a journey that ends, a need that is reported again, or an offer that is evaluated again: pure."""
