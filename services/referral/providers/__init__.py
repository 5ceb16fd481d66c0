"""The read model of the directory: services and organisations as last published, and their record of answering."""
