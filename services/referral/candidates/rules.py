"""The hard rules of routing, each with the code that says why a service is excluded (DESIGN 5).

There are two groups: rules about a service today that do not depend on the need (`standing`), and rules that depend
on the need (`exclusions`). Protection interlocks are in `interlocks`, free places in `pools`.
"""

from bisect import bisect_left
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from libs.events.codes import Sex
from services.referral.candidates.facts import Need, Person, Service, covers, opens_between
from services.referral.candidates.kinds import kind_fault
from services.referral.candidates.pools import day_at
from services.referral.candidates.reasons import Exclusion
from services.referral.candidates.score import way_km
from services.referral.pack.policy import RoutingPolicy


def standing(service: Service, now: datetime) -> list[Exclusion]:
    """Why this service is excluded from every need today: not active, no valid licence or agreement, no longer
    offered."""
    today = day_at(service, now)
    found = [] if service.is_active else [Exclusion.NOT_ACTIVE]
    if not service.is_accredited(today):
        found.append(Exclusion.NOT_ACCREDITED)
    if not service.has_agreement(today):
        found.append(Exclusion.NO_AGREEMENT)
    if not service.is_offered:
        found.append(Exclusion.NO_LONGER_OFFERED)
    return found


def is_closed(service: Service, *, now: datetime, answer_within: timedelta) -> bool:
    """True if the service does not open before an offer that is made now would expire (domain A14)."""
    return not opens_between(service.view, now, now + answer_within)


Rule = tuple[Exclusion, Callable[[Need, Service, RoutingPolicy], bool]]
"""A code, and a function that says whether it excludes this service from this need."""


def breakable(service: Service, policy: RoutingPolicy) -> tuple[Rule, ...]:
    """The hard rules that can exclude this service at all. Most services have few limits, so this saves time in a
    round."""
    return tuple((code, broken) for code, limits, broken in _RULES if limits(service, policy))


def exclusions(need: Need, service: Service, policy: RoutingPolicy, rules: tuple[Rule, ...]) -> list[Exclusion]:
    """The codes that exclude this service from this need: of these `rules`, of its kinds, and of earlier refusals.
    Empty if none do."""
    found = [code for code, broken in rules if broken(need, service, policy)]
    fault = kind_fault(need, service, policy.taxonomy)
    if fault is not None:
        found.append(fault)
    before = need.refused_by.get(service.view.provider_service_id)
    if before is not None:
        found.append(Exclusion(before))
    elif service.view.organization_id in need.conflicting_organizations:
        found.append(Exclusion.CONFLICT_OF_INTEREST)
    return found


def _no_consent(need: Need, service: Service, policy: RoutingPolicy) -> bool:
    allowed = need.consented or bool(need.consented_organizations)
    return not allowed and not policy.is_basic(need.category, need.kind)


def _consent_names_another(need: Need, service: Service, policy: RoutingPolicy) -> bool:
    if need.consented or not need.consented_organizations or policy.is_basic(need.category, need.kind):
        return False
    return service.view.organization_id not in need.consented_organizations


def _age(need: Need, service: Service, policy: RoutingPolicy) -> bool:
    youngest = service.view.eligibility.minimum_age or 0
    oldest = service.view.eligibility.maximum_age
    for person in need.people:
        first, last = person.ages
        if first < youngest or (oldest is not None and last > oldest):
            return True
    return False


def _sex(need: Need, service: Service, policy: RoutingPolicy) -> bool:
    """A service for one sex also takes children of the other sex in a household. Adults must be of its sex."""
    sexes = service.view.eligibility.sexes
    if not sexes:
        return False
    return any(_must_match_sex(person, need) and person.sex not in sexes for person in need.people)


def _must_match_sex(person: Person, need: Need) -> bool:
    return need.people_count == 1 or person.sex is Sex.UNKNOWN or person.may_be_adult


def _nationality(need: Need, service: Service, policy: RoutingPolicy) -> bool:
    nationalities = service.view.eligibility.nationalities
    return bool(nationalities) and any(person.nationality not in nationalities for person in need.people)


def _household(need: Need, service: Service, policy: RoutingPolicy) -> bool:
    return need.people_count > 1 and not service.view.eligibility.households


def _document_needed_first(need: Need, service: Service, policy: RoutingPolicy) -> bool:
    return bool(documents_missing(need, service, policy))


def documents_missing(need: Need, service: Service, policy: RoutingPolicy) -> frozenset[str]:
    """The documents that the person must have first, for this service or for the kind of the need, and has not."""
    return (service.documents_required | policy.documents_of(need.kind)) - need.people[0].documents_held


def _not_present_here(need: Need, service: Service, policy: RoutingPolicy) -> bool:
    return service.view.on_site_at is not None and service.view.on_site_at != need.reception_place


def _catchment(need: Need, service: Service, policy: RoutingPolicy) -> bool:
    if not service.view.catchment:
        return False
    place = origin(need, policy)
    return place is None or not any(covers(area, place) for area in service.view.catchment)


def _too_far(need: Need, service: Service, policy: RoutingPolicy) -> bool:
    limit = policy.rules_of(need.category, need.kind).distance_limit_km
    if limit is None:
        return False
    way = way_km(origin(need, policy), service.view.place, policy)
    return way is not None and way > limit


def ring_of(need: Need, service: Service, policy: RoutingPolicy) -> int:
    """The index in the pack's `rings_km` of the first ring that contains the service, or their number if none does.

    A service with an unknown distance counts as near, because a missing centre in the pack must not exclude it.
    """
    rings = policy.rules_of(need.category, need.kind).rings_km
    way = way_km(origin(need, policy), service.view.place, policy) if rings else None
    return 0 if way is None else bisect_left(rings, way)


def _language(need: Need, service: Service, policy: RoutingPolicy) -> bool:
    """A person whose languages are not known is not excluded by this rule."""
    spoken = need.people[0].languages
    return service.view.language_must_match and bool(spoken) and service.languages.isdisjoint(spoken)


def _access(need: Need, service: Service, policy: RoutingPolicy) -> bool:
    for person in need.people:  # noqa: SIM110 (asked more often than any other rule; a generator costs twice as much)
        if person.access_needs and not person.access_needs <= service.access:
            return True
    return False


def origin(need: Need, policy: RoutingPolicy) -> str | None:
    """The start of the distance: the destination if the pack says so and it is known, otherwise the reception place."""
    from_there = policy.rules_of(need.category, need.kind).distance_from == "destination"
    return need.destination if from_there and need.destination is not None else need.reception_place


_Limits = Callable[[Service, RoutingPolicy], bool]

_RULES: Final[tuple[tuple[Exclusion, _Limits, Callable[[Need, Service, RoutingPolicy], bool]], ...]] = (
    (Exclusion.NO_CONSENT, lambda service, policy: not policy.is_basic_always(service.view.category), _no_consent),
    (
        Exclusion.CONSENT_NAMES_ANOTHER,
        lambda service, policy: not policy.is_basic_always(service.view.category),
        _consent_names_another,
    ),
    (
        Exclusion.AGE,
        lambda service, policy: (
            bool(service.view.eligibility.minimum_age) or service.view.eligibility.maximum_age is not None
        ),
        _age,
    ),
    (Exclusion.SEX, lambda service, policy: bool(service.view.eligibility.sexes), _sex),
    (Exclusion.NATIONALITY, lambda service, policy: bool(service.view.eligibility.nationalities), _nationality),
    (Exclusion.HOUSEHOLD, lambda service, policy: not service.view.eligibility.households, _household),
    (
        Exclusion.DOCUMENT_NEEDED_FIRST,
        lambda service, policy: (
            bool(service.view.eligibility.documents_required) or policy.requires_documents(service.view.category)
        ),
        _document_needed_first,
    ),
    (Exclusion.NOT_PRESENT_HERE, lambda service, policy: service.view.on_site_at is not None, _not_present_here),
    (Exclusion.CATCHMENT, lambda service, policy: bool(service.view.catchment), _catchment),
    (
        Exclusion.TOO_FAR,
        lambda service, policy: policy.limits_distance(service.view.category),
        _too_far,
    ),
    (Exclusion.LANGUAGE, lambda service, policy: service.view.language_must_match, _language),
    (Exclusion.ACCESS, lambda service, policy: True, _access),
)
"""Each hard rule: its code, whether it can exclude this service at all, and whether it excludes it from a need."""
