"""What a desk has before it: its queue, what is due, overdue or escalated, on whom it waits, and what stays unmet."""
