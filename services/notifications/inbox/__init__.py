"""What an organisation is told, as a list it can poll: the same notifications that its webhooks carry."""
