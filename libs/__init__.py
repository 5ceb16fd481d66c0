"""Libraries shared by the services; none of them knows a service."""
