"""The tables of states of needs, referrals and offers, and how they are read and mapped to FHIR."""
