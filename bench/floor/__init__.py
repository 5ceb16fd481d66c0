"""The floor: bare asyncpg and aiokafka scripts that write the same rows and send the same messages, and nothing else.

They do not parse into models, apply rules, seal data, check positions, elect a leader or survive a crash. So they
measure the cost of the rows and messages alone. The floor is a reference for measurements and not for operation.
"""
