"""Turns routing profiles, as registration published them, into the types of the candidates' rules."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from libs.consents.policy import ConsentGate
from libs.events.catalogue.journeys import JudgedOn, JudgedProfile
from libs.events.codes import AccessNeed, AgeBand, ProtectionFlag, Sex
from libs.events.people_codes import AgeGroup, ClientKind
from services.referral.candidates import facts as candidates
from services.referral.journeys.facts import Household, Journey, Need, Referral


def person_of(profile: Mapping[str, Any]) -> candidates.Person:
    """The person behind a stored profile."""
    return candidates.Person(
        age_band=AgeBand(profile["age_band"]),
        sex=Sex(profile["sex"]),
        nationality=profile["nationality"],
        documents_held=frozenset(profile["documents_held"]),
        languages=tuple(profile["languages"]),
        access_needs=frozenset(map(AccessNeed, profile["access_needs"])),
        protection_flags=frozenset(map(ProtectionFlag, profile["protection_flags"])),
        avoid_places=tuple(profile["avoid_places"]),
        avoid_organizations=frozenset(map(UUID, profile["avoid_organizations"])),
        # Profiles that were stored before there were these fields lack them.
        avoid_countries=frozenset(profile.get("avoid_countries", [])),
        age_group=AgeGroup(profile.get("age_group", AgeGroup.UNSURE)),
        client_kind=ClientKind(profile.get("client_kind", ClientKind.RETURNEE)),
    )


class Allowed(NamedTuple):
    """The organisations that may get data, by the consents of all people of a need."""

    every_one: bool
    """Every organisation of the gate's recipient classes."""
    named: frozenset[UUID] = frozenset()
    """If not: the organisations that all of the others name."""


def allowed_by(people: Iterable[Journey], gate: ConsentGate | None, *, at: datetime) -> Allowed:
    """The organisations that these people allow."""
    others = [one for one in people if not one.consented(gate, at)]
    if not others:
        return Allowed(every_one=True)
    return Allowed(False, frozenset.intersection(*(one.named(gate, at) for one in others)))


def as_told(need: Need, journey: Journey, *, approved_for: frozenset[str] = frozenset()) -> candidates.Need:
    """The need with its reference person only. This is enough to decide whether a review must come first."""
    people = () if journey.profile is None else (person_of(journey.profile),)
    return to_route(
        need,
        people,
        profile=journey.profile or {},
        household_size=1,
        stay_together=False,
        allowed=Allowed(every_one=False),
        approved_for=approved_for,
    )


def to_route(
    need: Need,
    people: Sequence[candidates.Person],
    *,
    profile: Mapping[str, Any],
    household_size: int,
    stay_together: bool,
    allowed: Allowed,
    told_people: int = 0,
    household_at: frozenset[UUID] = frozenset(),
    approved_for: frozenset[str] = frozenset(),
    ring: int = 0,
    refused_by: Mapping[UUID, str] | None = None,
    conflicting_organizations: frozenset[UUID] = frozenset(),
    providers_of_person: frozenset[UUID] = frozenset(),
) -> candidates.Need:
    """The need as the candidates' rules use it. `profile` belongs to its reference person."""
    return candidates.Need(
        need_id=need.need_id,
        category=need.category,
        kind=need.kind,
        detail_values=need.detail_values,
        urgency=need.urgency,
        people=tuple(people),
        people_count=need.people_count,
        reported_at=need.reported_at,
        reception_place=profile.get("reception_place"),
        destination=profile.get("destination"),
        household_size=household_size,
        stay_together=stay_together,
        told_people=told_people,
        household_at=household_at,
        consented=allowed.every_one,
        consented_organizations=allowed.named,
        approved_for=approved_for,
        ring=ring,
        refused_by=refused_by or {},
        conflicting_organizations=conflicting_organizations,
        providers_of_person=providers_of_person,
    )


def with_them(
    referral: Referral, journeys: Mapping[UUID, Journey], households: Mapping[UUID, Household]
) -> list[Journey]:
    """The journeys of all people of the referral, the reference person first."""
    journey = journeys[referral.returnee_id]
    household = None if referral.household_id is None else households.get(referral.household_id)
    members = () if household is None else household.member_ids
    return [journey, *(journeys[one] for one in members if one != journey.returnee_id and one in journeys)]


def household_of(journey: Journey, households: Mapping[UUID, Household]) -> Household | None:
    """The household of the person, or None if there is none or it is not known yet."""
    return None if journey.household_id is None else households.get(journey.household_id)


def judged_on(referral: Referral, journeys: Mapping[UUID, Journey], households: Mapping[UUID, Household]) -> JudgedOn:
    """The versions of the facts on which a decision about this referral is based."""
    household = household_of(journeys[referral.returnee_id], households)
    return JudgedOn(
        profiles=[
            JudgedProfile(returnee_id=one.returnee_id, version=one.profile_version)
            for one in with_them(referral, journeys, households)
        ],
        household_version=None if household is None else household.version,
    )
