"""The bill of materials of Enlace, and the audit of its components for published vulnerabilities."""
