"""The floor: bare asyncpg and aiokafka scripts that write the same rows and make the same hops, and nothing else.

No parsing into models, no rules, no sealing, no fence, no leadership, no crash safety: what is left is the cost of the
rows and the messages themselves. A reference, not something to run.
"""
