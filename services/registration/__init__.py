"""registration owns the data about who arrived: arrivals, returnees, households, consent, safe contact, reported needs,
packets."""
