"""Files of people: de-identified ones, and identified ones that a second person has approved (domain P21)."""
