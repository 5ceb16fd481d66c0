"""How many of a group have each property, and who: exact shares for any size, drawn by a seeded hand (pure)."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


def apportion(count: int, weights: Mapping[T, float]) -> dict[T, int]:
    """`count` split by `weights` so that each part is its share rounded down or up (largest remainders first)."""
    total = sum(weights.values())
    exact = {key: count * weight / total for key, weight in weights.items()}
    parts = {key: int(share) for key, share in exact.items()}
    by_remainder = sorted(weights, key=lambda key: parts[key] - exact[key])
    for key in by_remainder[: count - sum(parts.values())]:
        parts[key] += 1
    return parts


def dealt(count: int, weights: Mapping[T, float], random: Random) -> list[T]:
    """`count` values in their shares, shuffled."""
    values = [key for key, part in apportion(count, weights).items() for _ in range(part)]
    random.shuffle(values)
    return values


def some(group: Sequence[T], share: float, random: Random) -> list[T]:
    """A share of the group (rounded), drawn without replacement."""
    return random.sample(group, round(len(group) * share))
