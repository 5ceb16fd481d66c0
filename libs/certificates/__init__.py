"""The kinds of certificates of a country, and the digest by which services recognise a holder."""
