"""The rules that say which consent allows what: `consents.yaml` of the country pack, which all services read in the
same way."""
