"""Which consent opens what: the country pack's `consents.yaml`, read alike by every service that keeps to it."""
