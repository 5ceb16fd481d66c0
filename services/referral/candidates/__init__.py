"""Which provider services may take a need, in which order, and why. Pure: no I/O in this part."""
