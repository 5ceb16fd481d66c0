"""Assigns properties to a group in exact shares, for a group of any size; a seeded generator chooses who (pure)."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


def apportion(count: int, weights: Mapping[T, float]) -> dict[T, int]:
    """`count` divided by `weights`. Each part is its share, rounded; the parts with the largest remainders round up."""
    total = sum(weights.values())
    exact = {key: count * weight / total for key, weight in weights.items()}
    parts = {key: int(share) for key, share in exact.items()}
    by_remainder = sorted(weights, key=lambda key: parts[key] - exact[key])
    for key in by_remainder[: count - sum(parts.values())]:
        parts[key] += 1
    return parts


def dealt(count: int, weights: Mapping[T, float], random: Random) -> list[T]:
    """`count` values in the shares given by `weights`, shuffled."""
    values = [key for key, part in apportion(count, weights).items() for _ in range(part)]
    random.shuffle(values)
    return values


def some(group: Sequence[T], share: float, random: Random) -> list[T]:
    """A random sample of the group without replacement; its size is the rounded share."""
    return random.sample(group, round(len(group) * share))
