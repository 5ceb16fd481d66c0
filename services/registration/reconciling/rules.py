"""The differences between registration and referral, and the consequence of each (pure)."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Final
from uuid import UUID

from libs.chassis.knowing import Known


class Difference(StrEnum):
    """The kinds of difference about one key."""

    NOT_HEARD = "not_heard"
    """Referral lacks it, or has an older state: it is published again."""
    ERASED_NOT_HEARD = "erased_not_heard"
    """The person has been erased, and referral does not know it: the erasure is published again."""
    UNKNOWN = "unknown"
    """Referral knows a person, a need or a pair of people who must be kept apart that is unknown here: a desk asks
    again. The two people stay apart until then."""
    OLDER = "older"
    """Referral knows newer facts, which are lost here. They stay valid there, and a desk has them recorded here
    again."""
    CONSENT_OLDER = "consent_older"
    """Referral has a newer consent, which is lost here. No consent counts until the person is asked again."""
    END_NOT_HEARD = "end_not_heard"
    """Referral still keeps two people apart, and the exclusion has ended: the end is published again."""
    PACKET_MISSING = "packet_missing"
    """An accepted offer that is unknown here: its provider cannot fetch the packet."""


FOR_A_DESK: Final = frozenset({Difference.UNKNOWN, Difference.OLDER, Difference.CONSENT_OLDER})
"""Differences that no program can correct: a desk becomes responsible for the open needs of these people."""


class Finding(Known):
    """One difference: `state` is its kind, `of` is the person."""


def compare(mine: Iterable[Known], theirs: Iterable[Known], *, erased: Collection[UUID]) -> list[Finding]:
    """All differences, each with its key."""
    here, there = _by_key(mine), _by_key(theirs)
    return [
        Finding(kind=kind, id=id_, version=version, state=difference.value, of=of)
        for difference, kind, id_, version, of in (*_told_here(here, there), *_known_there(here, there, erased))
    ]


_Key = tuple[str, UUID]
_Found = tuple[Difference, str, UUID, int, UUID | None]
_ENDED: Final = frozenset({"erased", "withdrawn", "ended"})


def _by_key(known: Iterable[Known]) -> dict[_Key, Known]:
    return {(one.kind, one.id): one for one in known}


def _told_here(here: Mapping[_Key, Known], there: Mapping[_Key, Known]) -> Iterator[_Found]:
    for key, one in here.items():
        other = there.get(key)
        if one.kind == "packet":
            continue
        if one.kind == "returnee" and one.state == "erased":
            if other is not None and other.state != "erased":
                yield Difference.ERASED_NOT_HEARD, one.kind, one.id, one.version, one.id
        elif other is None:
            if one.state not in _ENDED:
                yield Difference.NOT_HEARD, one.kind, one.id, one.version, one.of
        elif other.state == "erased":
            continue
        elif one.state == "ended":
            yield Difference.END_NOT_HEARD, one.kind, one.id, one.version, one.of
        elif other.version < one.version or (one.state == "withdrawn" and other.state == "open"):
            yield Difference.NOT_HEARD, one.kind, one.id, one.version, one.of
        elif other.version > one.version:
            older = Difference.CONSENT_OLDER if one.kind == "consent" else Difference.OLDER
            yield older, one.kind, one.id, other.version, one.of


def _known_there(here: Mapping[_Key, Known], there: Mapping[_Key, Known], erased: Collection[UUID]) -> Iterator[_Found]:
    for (kind, id_), other in there.items():
        if kind == "pair" and (kind, id_) not in here:
            yield Difference.UNKNOWN, kind, id_, other.version, None
        elif (kind, id_) in here or other.state == "erased" or kind in ("consent", "household"):
            continue
        elif other.of in erased or id_ in erased:
            if kind == "returnee":
                yield Difference.ERASED_NOT_HEARD, kind, id_, other.version, id_
        elif kind == "packet":
            yield Difference.PACKET_MISSING, kind, id_, other.version, other.of
        elif kind == "returnee" or other.state == "open":
            yield Difference.UNKNOWN, kind, id_, other.version, other.of or id_
