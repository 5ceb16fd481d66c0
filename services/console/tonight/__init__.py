"""tonight shows the state of the whole network: flights, waiting times, places, queues, promises, what is stuck."""
