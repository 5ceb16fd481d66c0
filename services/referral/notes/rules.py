"""How long a note is kept that belongs to no person (pure)."""

from datetime import timedelta
from typing import Final

KEEP_OF_NOBODY: Final = timedelta(days=28)
"""As long as topics and parked events: no erasure reaches it, so its days are counted."""
