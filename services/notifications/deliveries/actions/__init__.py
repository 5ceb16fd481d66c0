"""The actions that create, claim and replay deliveries, and those that record their attempts."""
