"""Numbers of met and unmet needs, without small numbers."""
