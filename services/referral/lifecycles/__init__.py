"""The law of needs, referrals and offers as printed tables, and how the tables are read and mapped to FHIR."""
