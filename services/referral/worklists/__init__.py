"""What people watch: owned needs and statistics."""
