"""Shows who has read or changed whose data, from all services that record accesses."""
