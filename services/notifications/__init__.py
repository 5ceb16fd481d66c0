"""notifications owns webhook endpoints, deliveries and every organisation's inbox."""
