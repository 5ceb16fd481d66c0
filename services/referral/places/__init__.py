"""The ledger of places: what providers declare, what offers hold and what acceptances have taken. Its only writer."""
