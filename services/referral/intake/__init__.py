"""What registration tells: profiles, consents, households, arrival batches and needs, recorded set by set."""
