"""Intake: the conversation that turns an arrival into a registered returnee with needs."""
