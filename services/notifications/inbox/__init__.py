"""The inbox of an organisation: a list that it can poll, with the same notifications that its webhooks carry."""
