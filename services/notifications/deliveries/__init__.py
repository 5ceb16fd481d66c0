"""Each notification on its way to one endpoint: claimed, signed, sent, tried again, recorded."""
