"""registration owns who arrived: arrivals, returnees, households, consent, safe contact, needs as told, packets."""
