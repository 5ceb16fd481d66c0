"""provider_directory owns organisations, services, locations, schedules, eligibility and declared capacity."""
