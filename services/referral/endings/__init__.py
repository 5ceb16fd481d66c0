"""The ends of journeys, needs and data: deaths, departures, merges, withdrawn needs, erasure."""
