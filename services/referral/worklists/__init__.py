"""What people watch: owned needs, statistics, and whether the network's promises hold."""
