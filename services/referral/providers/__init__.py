"""The read model of the directory: services and organisations as last published, and what providers have said about
their services, about needs and about people."""
