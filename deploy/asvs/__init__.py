"""The table of OWASP ASVS requirements: read, held against the tree, and made into a page."""
