"""How the bus is observed: metrics, log lines and trace contexts."""
