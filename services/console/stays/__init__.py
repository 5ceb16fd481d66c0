"""Stays: people at a shelter now, the end of each stay, and the plan for what comes after it."""
