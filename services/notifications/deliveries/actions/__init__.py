"""What changes deliveries: they are made, claimed, sent again; attempts are recorded."""
