"""The webhook endpoints of organisations, their secrets and their health."""
