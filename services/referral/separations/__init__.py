"""Who must be kept apart is told, or not any more: their offers are evaluated again."""
