"""What a person allows, to whom, until when; and how the person may be reached without harm."""
