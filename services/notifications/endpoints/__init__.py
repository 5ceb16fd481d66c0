"""Where an organisation wants to be told: its webhook endpoints, their secrets and their health."""
