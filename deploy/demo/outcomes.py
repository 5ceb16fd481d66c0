"""The results for the needs of one run: counts by kind, and the people to show (pure).

The input are nested journeys (`looking.nested`).
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from libs.events.codes import NeedCategory

ACCEPTED: Final = frozenset({"accepted", "in_service", "completed"})
STANDING: Final = frozenset({"pending", "accepted"})
"""Statuses of an offer that waits for an answer or was accepted."""
Journey = Mapping[str, Any]
K = TypeVar("K", int, tuple[str, str])


@dataclass(slots=True)
class Counts:
    """Counts of needs of one kind. A need can count in several columns, such as offered, waitlisted and owned."""

    needs: int = 0
    offered: int = 0
    """Needs with at least one offer."""
    accepted: int = 0
    """Needs whose referral is accepted, in service or completed."""
    waitlisted: int = 0
    waiting: int = 0
    """Needs that wait for another need of the same person, such as documents."""
    owned: int = 0
    """Open needs with a named owner."""

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


def by_kind(journeys: Iterable[Journey]) -> dict[tuple[str, str], Counts]:
    """The counts of each category and kind, in alphabetical order. An empty kind: only the category was told."""
    return _counted(journeys, lambda need: (need["category"], need["kind"] or ""))


def by_stage(journeys: Iterable[Journey]) -> dict[int, Counts]:
    """The counts of each stage of the referral mechanism, in the order of the stages."""
    return _counted(journeys, lambda need: need["stage"])


def _counted(journeys: Iterable[Journey], key: Callable[[Mapping[str, Any]], K]) -> dict[K, Counts]:
    counts: dict[K, Counts] = {}
    for _, need in needs_of(journeys):
        states = {referral["status"] for referral in need["referrals"]}
        row = counts.setdefault(key(need), Counts())
        row.needs += 1
        row.offered += any(referral["offers"] for referral in need["referrals"])
        row.accepted += bool(states & ACCEPTED)
        row.waitlisted += "waitlisted" in states
        row.waiting += "blocked" in states
        row.owned += need["status"] == "open" and need["owner"] is not None
    return dict(sorted(counts.items()))


def offers_by_status(journeys: Iterable[Journey]) -> Counter[str]:
    """The number of offers in each status; declined offers are counted by their coded reason."""
    found: Counter[str] = Counter()
    for _, _, offer in offers_of(journeys):
        declined = offer["status"] == "declined" and offer.get("reason")
        found[f"declined: {offer['reason']}" if declined else offer["status"]] += 1
    return found


def rerouted(journeys: Iterable[Journey]) -> int:
    """The number of needs that a later provider accepted after another had declined or had not answered."""
    count = 0
    for _, need in needs_of(journeys):
        ends = [offer["status"] for referral in need["referrals"] for offer in referral["offers"]]
        count += "accepted" in ends and bool({"declined", "expired"} & set(ends))
    return count


def declined_as_full(journeys: Sequence[Journey]) -> list[str]:
    """Returnees with an offer that was declined as full; first those whose need another provider then accepted."""
    found: dict[str, bool] = {}
    for journey, need, offer in offers_of(journeys):
        if offer["status"] == "declined" and offer.get("reason") == "full":
            ends = {one["status"] for referral in need["referrals"] for one in referral["offers"]}
            found[journey["returnee_id"]] = "accepted" in ends
    return sorted(found, key=lambda returnee_id: (not found[returnee_id], returnee_id))


def offers_by_fit(journeys: Iterable[Journey], gives: Mapping[str, Collection[str]]) -> Counter[bool]:
    """How many offers for needs of a known kind went to services that give the kind (or what may stand in for it), and
    how many to others. `gives`: the kinds by service."""
    return Counter(
        offer["kind"] in gives.get(offer["provider_service_id"], ())
        for _, _, offer in offers_of(journeys)
        if offer["kind"] is not None
    )


def households_by_services(
    journeys: Iterable[Journey], households: Iterable[Collection[str]], categories: Collection[NeedCategory]
) -> Counter[int]:
    """How many households go to one service, to two, and so on, with needs that their members have told singly.

    `households`: the returnees of each. `categories`: those that are told singly; each counts for itself. A household
    of which only one member is placed is not counted.
    """
    of = {returnee: nth for nth, members in enumerate(households) for returnee in members}
    going: dict[tuple[int, NeedCategory], dict[str, str]] = {}
    for journey, need, offer in offers_of(journeys):
        nth = of.get(journey["returnee_id"])
        if nth is not None and need["category"] in categories and offer["status"] in STANDING:
            going.setdefault((nth, need["category"]), {})[journey["returnee_id"]] = offer["provider_service_id"]
    return Counter(len(set(services.values())) for services in going.values() if len(services) > 1)


def three_to_show(
    journeys: Sequence[Journey], categories: Sequence[NeedCategory]
) -> list[tuple[Journey, Mapping[str, Any], Mapping[str, Any]]]:
    """Three people, each with a need and its accepted offer: in the first of two categories, after a decline or expiry,
    and in the second category.

    If one of these is missing, another accepted offer takes its place.
    """
    chosen: list[tuple[Journey, Mapping[str, Any], Mapping[str, Any]]] = []
    shown: set[str] = set()
    for wanted in (_is_of(categories[0]), _came_after_another, _is_of(categories[1]), _is_anything):
        for journey, need, offer in offers_of(journeys):
            fits = offer["status"] == "accepted" and journey["returnee_id"] not in shown and wanted(need)
            if fits and len(chosen) < 3:
                chosen.append((journey, need, offer))
                shown.add(journey["returnee_id"])
                if wanted is not _is_anything:
                    break
    return chosen


def needs_of(journeys: Iterable[Journey]) -> Iterator[tuple[Journey, Mapping[str, Any]]]:
    """Every need with its journey."""
    for journey in journeys:
        for need in journey["needs"]:
            yield journey, need


def offers_of(journeys: Iterable[Journey]) -> Iterator[tuple[Journey, Mapping[str, Any], Mapping[str, Any]]]:
    """Every offer with its journey and need."""
    for journey, need in needs_of(journeys):
        for referral in need["referrals"]:
            for offer in referral["offers"]:
                yield journey, need, offer


def _is_of(category: NeedCategory) -> Callable[[Mapping[str, Any]], bool]:
    return lambda need: bool(need["category"] == category)


def _came_after_another(need: Mapping[str, Any]) -> bool:
    ends = {offer["status"] for referral in need["referrals"] for offer in referral["offers"]}
    return bool(ends & {"declined", "expired"})


def _is_anything(need: Mapping[str, Any]) -> bool:
    return True
