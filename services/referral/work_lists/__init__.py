"""Work lists of a desk: its needs, what is due, overdue, escalated, waiting or halted, and unmet needs."""
