"""What operators see of a service by HTTP. Stands above chassis and event bus, which do not know each other."""
