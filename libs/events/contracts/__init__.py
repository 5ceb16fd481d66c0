"""The catalogue as contracts for others: JSON Schemas, an AsyncAPI document, a page, and the check of what may
change."""
