"""The actions on records of people, and on the hashes by which people are found."""
