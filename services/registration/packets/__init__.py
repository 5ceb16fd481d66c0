"""Packets: the data that an accepting provider may read about a person, and for how long."""
