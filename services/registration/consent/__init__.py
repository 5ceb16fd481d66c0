"""What a person allows, to whom and until when; and how the person can be reached safely."""
