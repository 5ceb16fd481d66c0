"""What registers people: new ones, what the same arrival tells more of them, and corrections."""
