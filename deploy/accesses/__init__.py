"""Who has read or changed whose data, over all services with a record of access."""
