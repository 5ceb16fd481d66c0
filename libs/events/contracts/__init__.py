"""The catalogue as contracts that others can read: JSON Schemas, an AsyncAPI document, a page, and what may change."""
