"""What is wrong with an arrival before anything is stored (pure)."""

from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime

from libs.chassis.errors import FieldError
from libs.events.catalogue.arrivals import ReturneeArrived
from libs.events.codes import NeedCategory
from libs.events.doubt import Path, as_it_came, path_of, without_faults
from libs.events.event import SetAside
from services.registration.consent.rules import (
    child_consent_faults,
    consent_faults,
    safe_contact_faults,
    silence_faults,
)
from services.registration.needs.rules import ToldNeed, need_faults
from services.registration.people.rules import age_band, birth_date_fault, birth_date_is_possible
from services.registration.told_times import ToldTimes

FORM_OF_FACTS = 1
"""Hashes of told facts: under the vault key (0), and those again under the key of restricted needs (1)."""


def arrival_faults(
    body: ReturneeArrived,
    *,
    today: date,
    at: datetime,
    times: ToldTimes,
    country: str,
    restricted: Collection[NeedCategory],
) -> list[FieldError]:
    """Every fault of an arrival, beyond what its schema says; each names its field.

    `at` is the present moment of our clock, `today` its day at the place of reception: no time in the body decides an
    age.
    """
    faults = times.arrived_at.faults(body.arrived_at, at=at, pointer="/arrived_at")
    birth_date = body.identity.birth_date
    if birth_date is not None and not birth_date_is_possible(birth_date, on=today):
        faults.append(birth_date_fault("/identity"))
    if body.household_size is not None and body.household_reference is None:
        faults.append(
            FieldError("/household_reference", "household-required", "`household_size` requires `household_reference`.")
        )
    faults += need_faults(
        [ToldNeed(need.category, need.people_count, need.after_category) for need in body.needs],
        known={},
        restricted=restricted,
        has_household=body.household_reference is not None,
        pointer="/needs",
    )
    band = age_band(birth_date, on=today)
    return faults + _consent_faults(body, band=band, at=at, times=times) + _contact_faults(body, country=country)


def sound_arrival(
    body: ReturneeArrived, set_aside: Sequence[SetAside], *, judge: Callable[[ReturneeArrived], Sequence[FieldError]]
) -> tuple[ReturneeArrived, tuple[SetAside, ...]]:
    """The arrival without the optional parts that contradict something, and all that is set aside of it.

    `NotOptionalError` where the fault is in a part without which nobody can be registered.
    """
    while faults := judge(body):
        told = body.model_dump(mode="json", exclude_unset=True)
        body, found = without_faults(ReturneeArrived, told, {(_at_fault(one), one.rule) for one in faults})
        set_aside = [*set_aside, *(as_it_came(one, set_aside) for one in found)]
    return body, tuple(set_aside)


def _at_fault(fault: FieldError) -> Path:
    """The part to set aside: a household's size without a household is too much, not its reference too little."""
    return ("household_size",) if fault.pointer == "/household_reference" else path_of(fault.pointer)


def _consent_faults(body: ReturneeArrived, *, band: str, at: datetime, times: ToldTimes) -> list[FieldError]:
    faults = []
    for place, consent in enumerate(body.consents):
        pointer = f"/consents/{place}"
        faults += silence_faults(consent.model_fields_set, pointer=pointer)
        faults += consent_faults(
            given_at=consent.given_at,
            expires_at=consent.expires_at,
            revocation_explained=consent.revocation_explained,
            at=at,
            times=times,
            pointer=pointer,
        )
        faults += child_consent_faults(age_band=band, given_by=consent.given_by, pointer=pointer)
    return faults


def _contact_faults(body: ReturneeArrived, *, country: str) -> list[FieldError]:
    if body.safe_contact is None:
        return []
    return safe_contact_faults(
        channel=body.safe_contact.channel,
        address=body.safe_contact.address,
        hours_from=body.safe_contact.told("hours_from"),
        hours_until=body.safe_contact.told("hours_until"),
        country=country,
        pointer="/safe_contact",
    )
