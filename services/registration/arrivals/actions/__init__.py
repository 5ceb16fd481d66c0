"""What changes arrivals: batches that are announced and land, and the references that name them."""
