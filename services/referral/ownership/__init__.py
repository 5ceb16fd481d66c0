"""Who answers for needs when people change: hand-over of ownership, and absence with a deputy."""
