"""The rules which consent allows what: `consents.yaml` of the country pack, read in the same way by all services."""
