"""The four services of Enlace."""

import gc

# The start of a service makes some 500,000 containers, and nearly all of them stay. With Python's default of 700, the
# collector goes through them again and again, which costs a quarter of the start.
gc.set_threshold(50_000, 20, 50)
