"""Doubled: an effect that came twice, or that nobody asked for (pure)."""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator

from tests.chaos.checks.facts import archived, expected
from tests.chaos.evidence import Evidence

LIVE_OFFER = frozenset({"pending", "acknowledged"})
PLACES = ("ledger_agrees_with_holds", "no_hold_leaks", "no_offer_is_orphaned")
"""Promises of referral about its places: what pools count is what live offers hold and accepted ones have taken."""


def doubled(evidence: Evidence) -> list[str]:
    """Everything that is there too often, a line each."""
    return [
        *_people(evidence),
        *_needs(evidence),
        *_offers(evidence),
        *_events(evidence),
        *_notices(evidence),
        *_places(evidence),
    ]


def _people(evidence: Evidence) -> Iterator[str]:
    """One returnee for each arrival, and none that nobody sent."""
    yield from _twice("returnees for one arrival", (person.arrival_key for person in evidence.people))
    sent = set(evidence.arrival_keys.values())
    for person in evidence.people:
        if person.arrival_key not in sent:
            yield f"returnee {person.returnee_id} is registered and nobody told of them"


def _needs(evidence: Evidence) -> Iterator[str]:
    """Not more needs than were told, and none in referral that registration does not have."""
    held = Counter(need.returnee_id for need in (*evidence.told_needs, *evidence.repeats))
    ids = {person.arrival_key: person.returnee_id for person in evidence.people}
    added = Counter(need.returnee_id for need in evidence.history.needs if need.may_be_there)
    for arrival in evidence.history.arrivals:
        returnee_id = ids.get(evidence.arrival_keys[arrival.source, arrival.reference])
        if returnee_id is not None and held[returnee_id] > arrival.needs_count + added[returnee_id]:
            yield f"{returnee_id} told {arrival.needs_count + added[returnee_id]} needs, {held[returnee_id]} registered"
    registered = {need.need_id for need in evidence.told_needs}
    for need in evidence.needs:
        if need.need_id not in registered:
            yield f"need {need.need_id} is in referral and registration does not have it"


def _offers(evidence: Evidence) -> Iterator[str]:
    """One live referral for a need; one live offer, and one accepted offer, for a referral."""
    yield from _twice("live referrals of need", (one.need_id for one in evidence.referrals if one.is_live))
    yield from _twice(
        "live offers of referral", (one.referral_id for one in evidence.offers if one.status in LIVE_OFFER)
    )
    accepted = (one.referral_id for one in evidence.offers if one.status == "accepted")
    yield from _twice("accepted offers of referral", accepted)


def _events(evidence: Evidence) -> Iterator[str]:
    """One event for each fact, under an id of its own, and nothing on the log that no service has sent."""
    for service, facts in expected(evidence).items():
        for (kind, subject), count in (archived(evidence, service) - facts).items():
            yield f"{service} has {count} {kind} of {subject} too many"
    ids = [one.event_id for sent in evidence.outboxes.values() for one in sent]
    yield from _twice("rows of event", ids)
    known = set(ids)
    for topic, records in evidence.logs.items():
        if topic != "enlace.arrivals":
            for record in {record.event_id: record for record in records}.values():
                if record.event_id not in known:
                    yield f"{record.type} {record.event_id} is on {topic} and nobody has sent it"


def _notices(evidence: Evidence) -> Iterator[str]:
    """One delivery of a message to an endpoint, of an event that was sent, and nothing else at the receivers."""
    yield from _twice("deliveries of", ((one.message_id, one.endpoint_id) for one in evidence.deliveries))
    sent = {one.event_id for events in evidence.outboxes.values() for one in events}
    for message_id in evidence.notices:
        if message_id not in sent:
            yield f"notification {message_id} tells of nothing that happened"
    delivered = {(one.slug, one.message_id) for one in evidence.deliveries}
    for slug, webhook_id in {(one.slug, one.webhook_id) for one in evidence.received}:
        if (slug, webhook_id) not in delivered:
            yield f"{slug} has received {webhook_id} and no delivery is known"


def _places(evidence: Evidence) -> Iterator[str]:
    """What the ledger counts is what offers hold."""
    for name in PLACES:
        if evidence.promises.get(name):
            yield f"{evidence.promises[name]} rows break the promise {name}"
    held, taken = Counter[str](), Counter[str]()
    for hold in evidence.holds:
        if hold.status != "released":
            (held if hold.status == "held" else taken)[hold.pool_id] += hold.places
    for pool in evidence.pools:
        by_offers = held[pool.pool_id], taken[pool.pool_id]
        if (pool.held, pool.taken) != by_offers:
            yield f"pool {pool.pool_id} counts {(pool.held, pool.taken)} held and taken, offers have {by_offers}"


def _twice(what: str, names: Iterable[Hashable]) -> Iterator[str]:
    for name, count in Counter(names).items():
        if count > 1:
            yield f"{count} {what} {name}"
