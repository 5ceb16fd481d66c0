"""States and reasons of a match, who may decide about it, and which candidates are compared (pure)."""

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from libs.events.codes import ProtectionFlag
from services.registration.people.rules import CHILD_FLAGS, is_child_alone

BLOCK_MAX: Final = 50
"""A blocking key that more people have than this is common. At most this many of them are read, and one more."""
CANDIDATES_MAX: Final = 50
"""At most this many people are compared with one: those who share most keys. A record of the same person shares five
keys or more, even with an error in one field."""


ANOTHER_RETURN: Final = timedelta(days=1)
"""Records of one person whose arrivals are further apart than this are two returns; otherwise the person was registered
twice."""


class MatchStatus(StrEnum):
    """What was decided about two records that may be one person."""

    OPEN = "open"
    MERGED = "merged"
    DIFFERENT = "different"
    UNMERGED = "unmerged"
    """They were merged, and that was wrong."""


class MatchBand(StrEnum):
    """How much speaks for one person. It decides nothing: people decide."""

    SAME = "same"
    REVIEW = "review"


class MergeReason(StrEnum):
    """Why two records are one person."""

    PERSON_CONFIRMS = "person_confirms"
    FAMILY_CONFIRMS = "family_confirms"
    DOCUMENT_SEEN = "document_seen"
    REGISTERED_TWICE = "registered_twice"
    RETURNED_AGAIN = "returned_again"


class DifferentReason(StrEnum):
    """Why two records are two people, or why a merge was wrong."""

    PERSON_DENIES = "person_denies"
    DOCUMENTS_DIFFER = "documents_differ"
    RELATIVES = "relatives"
    """Twins, or a parent and a child of one name."""
    SAME_NAME_ONLY = "same_name_only"
    MISTAKE = "mistake"


class Desk(StrEnum):
    """The desk that alone may see a match and decide about it."""

    CHILDREN = "children"
    PROTECTION = "protection"


def desk_of(group: str, flags: Collection[str], *, has_household: bool) -> Desk | None:
    """The desk that decides for this person; None if every desk for matches may.

    The desk for children decides for children who are alone and for people who may be children; the desk for
    restricted cases decides for other people with a protection concern.
    """
    if CHILD_FLAGS & {*flags} or is_child_alone(group, flags, has_household=has_household):
        return Desk.CHILDREN
    return Desk.PROTECTION if {*ProtectionFlag} & {*flags} else None


def may_decide(needed: Iterable[Desk | None], *, children: bool, protection: bool) -> bool:
    """Whether a caller with these rights may see and decide a match of people for whom these desks are needed."""
    held = {None, *([Desk.CHILDREN] if children else []), *([Desk.PROTECTION] if protection else [])}
    return {*needed} <= held


def followed(hits: Sequence[tuple[int, UUID]], *, block_max: int = BLOCK_MAX) -> list[UUID]:
    """The people to compare, most common keys first. `hits`: keys with the other people who have them, at most
    `block_max + 1` for each key.

    A common key, such as that of a very frequent name, is followed only if no rarer key leads to anybody.
    """
    blocks: dict[int, list[UUID]] = {}
    for key, returnee_id in hits:
        blocks.setdefault(key, []).append(returnee_id)
    rare = [found for found in blocks.values() if len(found) <= block_max]
    shared: dict[UUID, int] = {}
    for found in rare or blocks.values():
        for returnee_id in found[:block_max]:
            shared[returnee_id] = shared.get(returnee_id, 0) + 1
    return sorted(shared, key=lambda one: (-shared[one], one))[:CANDIDATES_MAX]


def ordered(one: UUID, other: UUID) -> tuple[UUID, UUID]:
    """The two ids of a pair, the lower one first: a pair is stored once."""
    return (one, other) if one < other else (other, one)
