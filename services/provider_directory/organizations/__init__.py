"""Who takes part in the network: organisations with their accreditations and data-sharing agreements."""
