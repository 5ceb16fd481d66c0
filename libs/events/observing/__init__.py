"""What the bus tells of itself: metrics, log lines and trace contexts."""
