"""What the intake desk decides: parts of arrivals that broke a rule, and people who may belong to a household."""
