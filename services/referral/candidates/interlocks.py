"""Protection interlocks: rules that no score and no free place can override (DESIGN 5, domain 1E and P13-P15)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from libs.events.codes import ProtectionFlag
from services.referral.candidates.facts import Need, Person, Service, overlaps
from services.referral.candidates.sites import KeptApart, people_meet, site_of
from services.referral.pack.policy import RoutingPolicy


class ReviewReason(StrEnum):
    """Why a review must come before anything is offered."""

    AGE_UNRESOLVED = "age_unresolved"
    UNKNOWN_CATEGORY = "unknown_category"
    """The taxonomy lacks the category: the sender has a newer pack, or another one."""
    RESTRICTED_CATEGORY = "restricted_category"
    POLICY = "policy"
    PROMISE_BROKEN = "promise_broken"
    """No offer waits for this review: the system broke a promise, and a person must find out why."""
    UNSAFE = "unsafe"
    """A provider has said that serving this person would not be safe."""
    OUTSIDE_FLOW_CHART = "outside_flow_chart"
    """The mechanism's flow chart for this kind of client does not have the stage of the need."""


class Interlock(StrEnum):
    """Why a service must not be asked, regardless of its score."""

    NOT_LICENSED_FOR_CHILDREN = "not_licensed_for_children"
    HOUSEHOLD_WOULD_SPLIT = "household_would_split"
    HOUSEHOLD_ELSEWHERE = "household_elsewhere"
    """Others of the household go to another service with a need of the same kind."""
    RESTRICTED_PATH_ONLY = "restricted_path_only"
    REVIEW_MISSING = "review_missing"
    FEARED_PLACE = "feared_place"
    DO_NOT_SHARE = "do_not_share"
    KEPT_APART = "kept_apart"
    """Somebody from whom one of the people must be kept apart is there, or two of the people must be kept apart."""


PLACE_OF_OTHERS: Final = frozenset({Interlock.KEPT_APART.value})
"""What says of a service that a certain other person is there. It is told only about people who are there too."""


def is_unaccompanied_child(person: Person, *, household_size: int) -> bool:
    """True for a child who is marked as unaccompanied or has no household. In doubt, a person may be a child (domain
    P14)."""
    alone = household_size <= 1 or ProtectionFlag.UNACCOMPANIED_CHILD in person.protection_flags
    return person.may_be_child and alone


def review_reason(need: Need, policy: RoutingPolicy) -> ReviewReason | None:
    """Why this need requires a review first, or None. An approval counts only for its own reason, because a person who
    may decide about somebody's age may not decide about a restricted need.
    """
    category = policy.rules_of(need.category, need.kind)
    asked = {
        ReviewReason.AGE_UNRESOLVED: any(person.age_is_unresolved for person in need.people),
        ReviewReason.UNKNOWN_CATEGORY: not policy.knows(need.category),
        ReviewReason.RESTRICTED_CATEGORY: category.restricted,
        ReviewReason.POLICY: category.review and not category.restricted,
        ReviewReason.OUTSIDE_FLOW_CHART: any(
            policy.mechanism.leaves_out(category.stage, person.client_kind) for person in need.people
        ),
    }
    return next((reason for reason, is_asked in asked.items() if is_asked and reason not in need.approved_for), None)


@dataclass(frozen=True, slots=True)
class Guards:
    """The facts about a need that the interlocks use, computed once for all services."""

    review_is_missing: bool
    needs_licence_for_children: bool
    would_split_household: bool
    household_at: frozenset[UUID]
    is_restricted: bool
    feared_places: tuple[str, ...]
    do_not_share: frozenset[UUID]
    excluded_countries: frozenset[str]
    kept_apart: KeptApart
    people_meet: bool
    """True if the people of all services for this need meet each other."""
    only_ask_for_openness: bool
    """True for most needs: the only interlock that can apply to them is that of a restricted service."""


def guards_of(need: Need, policy: RoutingPolicy) -> Guards:
    """The facts for the interlocks of this need."""
    # A flow chart organises the work and protects nobody: a desk may choose a service, and existing offers continue.
    review_is_missing = review_reason(need, policy) not in (None, ReviewReason.OUTSIDE_FLOW_CHART)
    needs_licence = any(is_unaccompanied_child(person, household_size=need.household_size) for person in need.people)
    would_split = _household_would_split(need, policy)
    is_restricted = policy.rules_of(need.category, need.kind).restricted
    feared = tuple(place for person in need.people for place in person.avoid_places)
    do_not_share = frozenset(one for person in need.people for one in person.avoid_organizations)
    countries = frozenset(one for person in need.people for one in person.avoid_countries)
    return Guards(
        review_is_missing=review_is_missing,
        needs_licence_for_children=needs_licence,
        would_split_household=would_split,
        household_at=need.household_at,
        is_restricted=is_restricted,
        feared_places=feared,
        do_not_share=do_not_share,
        excluded_countries=countries,
        kept_apart=need.kept_apart,
        people_meet=people_meet(need.category, need.kind, None, policy.taxonomy),
        only_ask_for_openness=not (
            review_is_missing
            or needs_licence
            or would_split
            or need.household_at
            or is_restricted
            or feared
            or do_not_share
            or countries
            or not need.kept_apart.is_nothing
        ),
    )


def interlocks(guards: Guards, service: Service) -> list[Interlock]:
    """All interlocks that exclude this service from the need. Empty if there is none."""
    found: list[Interlock] = []
    view = service.view
    if guards.only_ask_for_openness:
        return found if not view.restricted else [Interlock.RESTRICTED_PATH_ONLY]
    if guards.review_is_missing:
        found.append(Interlock.REVIEW_MISSING)
    if guards.needs_licence_for_children and not view.eligibility.unaccompanied_children:
        found.append(Interlock.NOT_LICENSED_FOR_CHILDREN)
    if guards.would_split_household:
        found.append(Interlock.HOUSEHOLD_WOULD_SPLIT)
    if guards.household_at and view.provider_service_id not in guards.household_at:
        found.append(Interlock.HOUSEHOLD_ELSEWHERE)
    if guards.is_restricted != view.restricted:
        found.append(Interlock.RESTRICTED_PATH_ONLY)
    if guards.feared_places and any(overlaps(place, view.place) for place in guards.feared_places):
        found.append(Interlock.FEARED_PLACE)
    if view.organization_id in guards.do_not_share or service.organization.acts_for in guards.excluded_countries:
        found.append(Interlock.DO_NOT_SHARE)
    if _is_kept_apart(guards, service):
        found.append(Interlock.KEPT_APART)
    return found


def _is_kept_apart(guards: Guards, service: Service) -> bool:
    if guards.kept_apart.is_nothing or not (guards.people_meet or service.view.max_stay_hours is not None):
        return False
    return guards.kept_apart.forbids(site_of(service.view))


def _household_would_split(need: Need, policy: RoutingPolicy) -> bool:
    """True if only some members of a household that wants to stay together would be served, in a category such as
    shelter."""
    category = policy.taxonomy.categories.get(need.category)
    whole = category is not None and category.whole_household
    return whole and need.stay_together and max(need.people_count, need.told_people) < need.household_size
