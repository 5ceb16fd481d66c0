"""The rules for when a packet is open, and for its grant (pure). Domain P18 and P4."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from libs.events.codes import PublicationStatus

GRANT_TYPE = "grant+jwt"
"""The `typ` of a grant, so that no token of another kind counts as one (RFC 8725)."""
GRANT_ISSUER = "urn:enlace:registration"


def closes_at(closed_at: datetime, *, days_after: int) -> datetime:
    """The time until which an accepted offer opens its packet after it has ended."""
    return closed_at + timedelta(days=days_after)


def is_closed(until: datetime | None, *, at: datetime) -> bool:
    """Whether a packet is closed at a moment. A packet without an end is open."""
    return until is not None and at >= until


def may_serve(*, status: str, valid_until: Mapping[str, str], category: str, on: date) -> bool:
    """Whether an organisation may serve people of a category on a day: it is active, and licence and agreement are
    valid."""
    last_day = valid_until.get(category)
    return status == PublicationStatus.ACTIVE and last_day is not None and date.fromisoformat(last_day) >= on


class GrantFault(StrEnum):
    """Why a grant is not valid any more."""

    EXPIRED = "expired"
    CONSENT_ENDED = "consent_ended"
    """A consent that it names was withdrawn, has expired, or does not count because the person is a child."""
    PACKET_CLOSED = "packet_closed"
    HALTED = "halted"
    """The present facts do not allow it: the organisation is suspended or has no licence, the person avoids it, or a
    desk has to decide."""
    ERASED = "erased"


def grant_ends(
    *, at: datetime, longest: timedelta, consents_end: Iterable[datetime], closes_at: datetime | None
) -> datetime:
    """The end of a grant that is issued at `at`: the first of the longest time, the end of the packet and the ends of
    the consents. Whole seconds, never later than the exact moment."""
    ends = [at + longest, *consents_end] + ([] if closes_at is None else [closes_at])
    return min(ends).replace(microsecond=0)


def has_grant_form(claims: Mapping[str, object]) -> bool:
    """Whether claims that we have signed have the members that a check needs."""
    consents = claims.get("consents")
    return (
        claims.get("iss") == GRANT_ISSUER
        and _is_uuid(claims.get("aud"))
        and _is_uuid(claims.get("offer_id"))
        and isinstance(claims.get("exp"), int)
        and isinstance(consents, list)
        and all(isinstance(one, dict) and _is_uuid(one.get("id")) for one in consents)
    )


def _is_uuid(value: object) -> bool:
    try:
        return isinstance(value, str) and str(UUID(value)) == value
    except ValueError:
        return False
