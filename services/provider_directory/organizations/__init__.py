"""The organisations of the network, with their accreditations and data-sharing agreements."""
