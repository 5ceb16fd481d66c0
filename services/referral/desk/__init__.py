"""Reviews: decisions of people that the router waits for."""
