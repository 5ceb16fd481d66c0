"""The rows of journeys and of stays."""
