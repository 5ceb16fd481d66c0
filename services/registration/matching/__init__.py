"""Who may be the same person as somebody who was registered before: found by keyed hashes, decided by people."""
