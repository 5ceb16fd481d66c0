"""The four services of Enlace."""

import gc

# After the start of a service, 260,000 objects stay that the cycle collector looks at. With Python's default, it goes
# through the new ones after each 700, which costs a quarter of the start.
gc.set_threshold(50_000, 20, 50)
