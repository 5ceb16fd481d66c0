"""Which events the facts of each service ask for: one for each, no more and no less (pure)."""

from collections import Counter
from typing import Final

from tests.chaos.evidence import Evidence

Facts = Counter[tuple[str, str]]
"""How often an event of this type about this subject must be there."""

ANSWERED: Final = {"offer.accept": "accepted", "offer.decline": "declined"}
"""Answers that end an offer, and the state in which they leave it for ever."""

STEP_EVENTS: Final = {
    "need.meet": "need.met.v1",
    "need.refuse": "need.refused.v1",
    "need.close": "need.closed.v1",
    "need.reopen": "need.reopened.v1",
    "need.assign": "need.assigned.v1",
    "need.remind_owner": "need.assigned.v1",
    "referral.open": "referral.opened.v1",
    "referral.request_review": "referral.review-requested.v1",
    "referral.waitlist": "referral.waitlisted.v1",
    "referral.escalate": "referral.escalated.v1",
    "referral.search_due": "referral.search-due.v1",
    "referral.start": "referral.started.v1",
    "referral.complete": "referral.completed.v1",
    "referral.report_not_delivered": "referral.not-delivered.v1",
    "referral.cancel": "referral.cancelled.v1",
    "referral.reject": "referral.cancelled.v1",
    "referral.enter_in_error": "referral.entered-in-error.v1",
    "referral.alarm_stay": "stay.ending.v1",
    "referral.extend_stay": "stay.ending.v1",
    "referral.run_out": "stay.ending.v1",
    "referral.remind": "referral.reminded.v1",
    "referral.halt": "offer.halted.v1",
    "referral.uphold": "offer.upheld.v1",
    "offer.make": "offer.made.v1",
    "offer.remind": "offer.reminded.v1",
    "offer.acknowledge": "offer.acknowledged.v1",
    "offer.accept": "offer.accepted.v1",
    "offer.decline": "offer.declined.v1",
    "offer.expire": "offer.expired.v1",
    "offer.recall": "offer.recalled.v1",
}
"""Steps of referral's record that others can see, with their events (DESIGN 3 and 4). The others show in these."""

COUNTED: Final = {
    "registration": frozenset(
        {"returnee.registered.v1", "need.reported.v1", "need.withdrawn.v1", "returnee.erased.v1"}
    ),
    "provider_directory": frozenset({"capacity.declared.v1"}),
    "referral": frozenset(STEP_EVENTS.values()),
    "notifications": frozenset({"delivery.succeeded.v1"}),
}
"""By service: the types whose events can be told from rows of its own."""


def expected(evidence: Evidence) -> dict[str, Facts]:
    """By service: the events that its rows ask for."""
    registration: Facts = Counter()
    for person in evidence.people:
        registration["returnee.registered.v1", person.returnee_id] += 1
        if person.is_erased:
            registration["returnee.erased.v1", person.returnee_id] += 1
    for need in evidence.told_needs:
        registration["need.reported.v1", need.need_id] += 1
        if need.status == "withdrawn":
            registration["need.withdrawn.v1", need.need_id] += 1
    for repeat in evidence.repeats:
        registration["need.reported.v1", repeat.need_id] += 1
    return {
        "registration": registration,
        "provider_directory": Counter(
            ("capacity.declared.v1", f"{one.service_id}@{one.version}") for one in evidence.declarations
        ),
        "referral": Counter((STEP_EVENTS[step], subject) for step, subject in evidence.steps if step in STEP_EVENTS),
        "notifications": Counter(
            ("delivery.succeeded.v1", one.delivery_id) for one in evidence.deliveries if one.status == "succeeded"
        ),
    }


def archived(evidence: Evidence, service: str) -> Facts:
    """The events of these types that the service has appended."""
    return Counter(
        (one.type, one.subject) for one in evidence.outboxes.get(service, ()) if one.type in COUNTED[service]
    )
