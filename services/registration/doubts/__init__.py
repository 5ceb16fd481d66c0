"""Parts of what was told that broke a rule: set aside, so that the rest has its effects, until a person has looked."""
