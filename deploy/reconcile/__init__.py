"""After a restore from a backup: compares all services of one installation and repairs differences with one command."""
