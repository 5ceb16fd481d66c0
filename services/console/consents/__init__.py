"""What a registered person allows: the text that is read to them, the record of it, its withdrawal."""
