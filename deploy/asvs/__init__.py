"""The table of OWASP ASVS requirements: read, compared with the code, and rendered as a page."""
