"""Who may be the same person: comparable forms, blocking keys and scores of two records. It is pure: the caller reads,
seals and stores; the only file it reads is the one with the weights."""
