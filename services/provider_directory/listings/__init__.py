"""What organisations offer and where: services with their locations, schedules, languages and eligibility."""
