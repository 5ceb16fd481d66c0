"""A mistake that only shows when two files of a pack are compared."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A value that does not fit another file: the file without its ending, the keys of the value, and why."""

    file: str
    keys: tuple[str | int, ...]
    why: str
