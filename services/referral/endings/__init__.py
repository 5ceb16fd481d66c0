"""What ends a journey or what is known of it: deaths, departures, merges, needs withdrawn, erasure."""
