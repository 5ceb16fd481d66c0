"""What providers declare: places per pool, as of when; and what became of the trust in their figures."""
