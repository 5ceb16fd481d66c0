"""The scenes that the demo must show on one flight, found in the recorded journeys (pure).

Each scene names case codes, providers and times. If one did not happen, it is reported and the demo fails.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from deploy.demo.outcomes import ACCEPTED, Journey, needs_of

Names = Mapping[str, str]
"""Names of services by id."""
Need = Mapping[str, Any]
Offer = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Act:
    """One scene: what it should show, and what happened, line by line. There are no lines if it did not happen."""

    title: str
    lines: tuple[str, ...] = ()

    @property
    def happened(self) -> bool:
        """True if the scene happened in this run."""
        return bool(self.lines)


@dataclass
class Staged:
    """What the demo caused on purpose; with it, the scenes are found in the recorded journeys."""

    closed_pools: dict[str, datetime] = field(default_factory=dict)
    """Services whose pools were seen closed in the ledger of places, with the first time of each."""
    served_from_queue: set[str] = field(default_factory=set)
    """Needs that waited in a queue when their provider declared new places."""
    declared: tuple[str, int, datetime] | None = None
    """The service that declared new places, how many, and when."""
    decided: set[str] = field(default_factory=set)
    """Returnees about whose age the desk for children has decided."""
    withdrawn: dict[str, datetime] = field(default_factory=dict)
    """Open offers whose person withdrew consent, with the time of the withdrawal."""


def acts_of(journeys: Sequence[Journey], staged: Staged, names: Names) -> list[Act]:
    """Every scene, in the order in which the demo shows them."""
    return [
        silence(journeys, names),
        full_and_queue(journeys, staged, names),
        escalation(journeys, names),
        document_first(journeys, names),
        recall(journeys, staged, names),
        age(journeys, staged, names),
    ]


def silence(journeys: Iterable[Journey], names: Names) -> Act:
    """A provider did not answer: it was reminded, the offer expired, and the next provider accepted."""
    title = "No answer: reminder, expiry, offer to the next provider"
    for journey, need in needs_of(journeys):
        offers = _offers(need)
        for silent, later in pairwise(offers):
            reminded = _step_at(journey, "offer.remind", offer=silent)
            if silent["status"] == "expired" and reminded and later["status"] == "accepted":
                who = f"{journey['case_code']}, {need['category']}"
                return Act(title, (
                    f"{_clock(silent['made_at'])} {who}: offered to {_name(silent, names)}, which does not answer",
                    f"{_clock(reminded)} reminded",
                    f"{_clock(silent['ended_at'])} expired",
                    f"{_clock(later['made_at'])} offered to {_name(later, names)}",
                    f"{_clock(later['ended_at'])} accepted",
                ))  # fmt: skip
    return Act(title)


def full_and_queue(journeys: Iterable[Journey], staged: Staged, names: Names) -> Act:
    """A provider was full and its pool was closed; people in the queue got offers when new places were declared."""
    title = "Full: the pool closes, referrals wait in the queue, new places are declared, the next one is offered"
    closed = _declined_as_full(journeys, staged, names)
    if staged.declared is None or closed is None:
        return Act(title)
    service, count, at = staged.declared
    for journey, need in needs_of(journeys):
        served = [one for one in _offers(need) if one["status"] == "accepted" and _moment(one["made_at"]) >= at]
        queued = _step_at(journey, "referral.waitlist", need=need)
        if need["id"] in staged.served_from_queue and queued and served:
            return Act(title, (
                *closed,
                f"{_clock(queued)} {journey['case_code']}, {need['category']}: no place is free, waits in the queue",
                f"{_clock(at)} {names.get(service, service)} declares {count} more places",
                f"{_clock(served[0]['made_at'])} offered to {_name(served[0], names)}",
                f"{_clock(served[0]['ended_at'])} accepted",
            ))  # fmt: skip
    return Act(title)


def escalation(journeys: Iterable[Journey], names: Names) -> Act:
    """No provider was left to ask, so the lead agency's desk became the owner of the need."""
    title = "Escalation: no provider is left to ask, the lead agency's desk owns the need"
    for journey, need in needs_of(journeys):
        tried = [one for one in _offers(need) if one["status"] in {"declined", "expired"}]
        assigned = _step_at(journey, "need.assign", need=need)
        if tried and assigned and need["owner"] is not None and need["owner_reason"] == "candidates_spent":
            return Act(title, (
                *(f"{_clock(one['ended_at'])} {journey['case_code']}, {need['category']}: {_name(one, names)} "
                  f"{one['status']} {one['reason'] or ''}".rstrip() for one in tried),
                f"{_clock(assigned)} {need['owner']} is the owner: {need['owner_reason']}",
            ))  # fmt: skip
    return Act(title)


def document_first(journeys: Iterable[Journey], names: Names) -> Act:
    """A need for employment waited for a document; when the document was issued, an offer was made."""
    title = "Prerequisite: the referral to a job starts when a document is issued"
    for journey, need in needs_of(journeys):
        first = next((one for one in journey["needs"] if one["id"] == need["after_need_id"]), None)
        unblocked = _step_at(journey, "referral.unblock", need=need)
        offers = _offers(need)
        if first is not None and first["status"] == "met" and unblocked and offers:
            made = next((one for one in _offers(first) if one["status"] == "accepted"), None)
            maker = "a desk" if made is None else _name(made, names)
            who = f"{journey['case_code']}, {need['category']}"
            return Act(title, (
                f"{_clock(need['reported_at'])} {who}: waits for {first['category']}",
                f"{_clock(first['ended_at'])} the document was issued by {maker}",
                f"{_clock(unblocked)} {need['category']} seeks a provider",
                f"{_clock(offers[0]['made_at'])} offered to {_name(offers[0], names)}: {offers[0]['status']}",
            ))  # fmt: skip
    return Act(title)


def recall(journeys: Iterable[Journey], staged: Staged, names: Names) -> Act:
    """A person withdrew consent while an offer was open; the offer was recalled at once."""
    title = "Consent withdrawn: the open offer is recalled"
    for journey, need in needs_of(journeys):
        for offer in _offers(need):
            at = staged.withdrawn.get(offer["id"])
            if at is not None and offer["status"] == "recalled":
                after = (_moment(offer["ended_at"]) - at).total_seconds()
                return Act(title, (
                    f"{_clock(offer['made_at'])} {journey['case_code']}, {need['category']}: at {_name(offer, names)}",
                    f"{at:%H:%M:%S} the person withdraws consent at reception",
                    f"{_clock(offer['ended_at'])} recalled: {offer['reason']}, {max(after, 0):.1f} s later",
                    f"now: {_now_with(need)}",
                ))  # fmt: skip
    return Act(title)


def age(journeys: Iterable[Journey], staged: Staged, names: Names) -> Act:
    """Nobody is offered anything while it is unsure whether a person is a child; then the adult is placed."""
    title = "Age unknown: no offer before the desk has decided, then the adult is placed"
    for journey, need in needs_of(journeys):
        asked, decided = (_step_at(journey, f"referral.{step}", need=need) for step in ("request_review", "approve"))
        offers = _offers(need)
        if journey["returnee_id"] in staged.decided and asked and decided and offers:
            first = offers[0]
            if _moment(first["made_at"]) >= _moment(decided):
                return Act(title, (
                    f"{_clock(asked)} {journey['case_code']}, {need['category']}: the age is not known, a desk decides",
                    f"{_clock(decided)} an adult, by the judgement of the staff",
                    f"{_clock(first['made_at'])} offered to {_name(first, names)}: {first['status']}",
                ))  # fmt: skip
    return Act(title)


def _now_with(need: Need) -> str:
    owner = need["owner"]
    return f"{need['status']}" if owner is None else f"{need['status']}, {owner} is the owner ({need['owner_reason']})"


def _declined_as_full(journeys: Iterable[Journey], staged: Staged, names: Names) -> tuple[str, ...] | None:
    for journey, need in needs_of(journeys):
        for offer in _offers(need):
            closed_at = staged.closed_pools.get(offer["provider_service_id"])
            if offer["status"] == "declined" and offer["reason"] == "full" and closed_at is not None:
                return (
                    f"{_clock(offer['ended_at'])} {journey['case_code']}, {need['category']}: {_name(offer, names)} "
                    "declines, it is full",
                    f"{closed_at:%H:%M:%S} its places are closed until it declares again",
                )
    return None


def _offers(need: Need) -> list[Offer]:
    found = [offer for referral in need["referrals"] for offer in referral["offers"]]
    return sorted(found, key=lambda offer: str(offer["made_at"]))


def _step_at(journey: Journey, step: str, *, offer: Offer | None = None, need: Need | None = None) -> str | None:
    """The last time when this step was taken for this offer or this need."""
    for one in reversed(journey["steps"]):
        is_it = one["step"] == step and (offer is None or one["offer_id"] == offer["id"])
        if is_it and (need is None or one["need_id"] == need["id"]):
            return str(one["at"])
    return None


def _name(offer: Offer, names: Names) -> str:
    return names.get(offer["provider_service_id"], "?")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _clock(moment: str | datetime) -> str:
    return f"{_moment(moment) if isinstance(moment, str) else moment:%H:%M:%S}"


def blocked_by_documents(journeys: Iterable[Journey]) -> Iterator[tuple[Need, Offer]]:
    """Needs that wait for another need which a provider has accepted, each with that provider's offer."""
    for journey, need in needs_of(journeys):
        first = next((one for one in journey["needs"] if one["id"] == need["after_need_id"]), None)
        if first is None or first["status"] != "open":
            continue
        live = [one for one in first["referrals"] if one["status"] in ACCEPTED]
        for offer in _offers(first):
            if live and offer["status"] == "accepted":
                yield need, offer
