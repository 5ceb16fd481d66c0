"""Who has touched whose data, over all services that keep a record."""
