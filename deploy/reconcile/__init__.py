"""After a restore: all services of one installation are compared and mended with one command."""
