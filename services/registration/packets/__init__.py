"""What an accepting provider may know of a person, and for how long."""
