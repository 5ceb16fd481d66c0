"""The directory: the search as a caseworker would, organisations, services, locations, places of a service."""
