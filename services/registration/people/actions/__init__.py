"""What changes records of people, and the hashes by which they are found."""
