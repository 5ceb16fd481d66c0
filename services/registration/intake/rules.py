"""Finds the faults of an arrival, and which of its data are new for a registered person (pure)."""

import json
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from libs.chassis.errors import FieldError
from libs.events.catalogue.arrivals import NeedTold, ReturneeArrived
from libs.events.catalogue.consents import ConsentElements, ConsentGiven, NamedConsentGiven
from libs.events.codes import NeedCategory, Urgency
from libs.events.doubt import UNKNOWN_CODE, Path, as_it_came, path_of, without_faults
from libs.events.event import SetAside
from libs.events.people_codes import AgeGroup
from libs.taxonomy.model import Taxonomy
from services.registration.consent.rules.consents import element_faults, recipient_key, silence_faults
from services.registration.consent.rules.contacts import safe_contact_faults
from services.registration.needs.rules import NOTHING_KNOWN, is_more_urgent, need_faults, told_need
from services.registration.organizations.rules import Nameable, organization_faults
from services.registration.people.rules import (
    RECEPTION_PLACE,
    age_faults,
    age_of,
    birth_date_fault,
    birth_date_is_possible,
    held_faults,
)
from services.registration.told_times import ToldTimes

FORM_OF_FACTS = 1
"""The form of the hashes of facts: hashed with the vault key (0), or after that also with the key of restricted needs
(1)."""


def arrival_faults(
    body: ReturneeArrived,
    *,
    today: date,
    at: datetime,
    times: ToldTimes,
    country: str,
    restricted: Collection[NeedCategory],
    taxonomy: Taxonomy,
    nameable: Nameable,
) -> list[FieldError]:
    """All faults of an arrival that its schema does not find; each names its field.

    `at` is the present moment of our clock and `today` its day at the place of reception: the age is never calculated
    with a time from the body.
    """
    faults = times.arrived_at.faults(body.arrived_at, at=at, pointer="/arrived_at")
    birth_date = body.identity.birth_date
    if birth_date is not None and not birth_date_is_possible(birth_date, on=today):
        faults.append(birth_date_fault("/identity"))
    else:
        faults += age_faults(birth_date, body.profile.age, on=today)
    if body.household_size is not None and body.household_reference is None:
        faults.append(
            FieldError("/household_reference", "household-required", "`household_size` requires `household_reference`.")
        )
    faults += held_faults(body.profile.documents_held, taxonomy=taxonomy, pointer="/profile/documents_held")
    faults += need_faults(
        [told_need(need) for need in body.needs],
        known=NOTHING_KNOWN,
        restricted=restricted,
        has_household=body.household_reference is not None,
        taxonomy=taxonomy,
        pointer="/needs",
    )
    group = age_of(birth_date, body.profile.age, on=today).group
    faults += _consents_faults(body, group, at=at, times=times, nameable=nameable)
    return faults + _contact_faults(body, at=at, times=times, country=country)


def _consents_faults(
    body: ReturneeArrived, group: AgeGroup, *, at: datetime, times: ToldTimes, nameable: Nameable
) -> list[FieldError]:
    faults: list[FieldError] = []
    told: list[tuple[str, ConsentElements]] = [(f"/consents/{place}", one) for place, one in enumerate(body.consents)]
    told += [(f"{NAMED_CONSENTS}/{place}", one) for place, one in enumerate(body.named_consents)]
    for pointer, consent in told:
        faults += silence_faults(consent.model_fields_set, pointer=pointer)
        faults += element_faults(consent, age_group=group, at=at, times=times, pointer=pointer)
    for place, named in enumerate(body.named_consents):
        whom, pointer = named.recipient_organization_id, f"{NAMED_CONSENTS}/{place}"
        faults += organization_faults(purpose=named.purpose, organization_id=whom, nameable=nameable, pointer=pointer)
    return faults


def sound_arrival(
    body: ReturneeArrived, set_aside: Sequence[SetAside], *, judge: Callable[[ReturneeArrived], Sequence[FieldError]]
) -> tuple[ReturneeArrived, tuple[SetAside, ...]]:
    """The arrival without the optional parts that are contradictory, and all parts that are set aside.

    Raises `NotOptionalError` if the fault is in a part that a registration requires.
    """
    while faults := judge(body):
        told = body.model_dump(mode="json", exclude_unset=True)
        body, found = without_faults(ReturneeArrived, told, {(_at_fault(one), _rule_of(one)) for one in faults})
        set_aside = [*set_aside, *(as_it_came(one, set_aside) for one in found)]
    return body, tuple(set_aside)


def _at_fault(fault: FieldError) -> Path:
    """The part to set aside. If a size of the household comes without a reference, the size is set aside."""
    return ("household_size",) if fault.pointer == "/household_reference" else path_of(fault.pointer)


def _rule_of(fault: FieldError) -> str:
    """The rule of a part that is set aside. An unknown code of the pack has the same one as any other unknown code."""
    return UNKNOWN_CODE if fault.rule in ("unknown-category", "unknown-document") else fault.rule


def _contact_faults(body: ReturneeArrived, *, at: datetime, times: ToldTimes, country: str) -> list[FieldError]:
    if body.safe_contact is None:
        return []
    return safe_contact_faults(body.safe_contact, at=at, times=times, country=country, pointer="/safe_contact")


SAME_ARRIVAL = timedelta(days=3)
"""The greatest difference between the times of two messages about one arrival. If the same person comes again later, it
is a new arrival."""
NAMES = "/identity/names"
NAMED_CONSENTS = "/named_consents"
LISTS = ("/needs", "/consents", NAMED_CONSENTS)
"""The lists of an arrival to which a later message may add."""
ASIDE = "aside:"
"""The prefix before the pointer of a part that was set aside."""
IDENTITY = ("/identity/birth_date", "/identity/document_number")


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact: its pointer, and its value in a fixed form or as a keyed hash."""

    pointer: str
    text: str


@dataclass(frozen=True, slots=True)
class Known:
    """The stored data of a person when the same arrival is sent again."""

    facts: Collection[Fact]
    """The facts of this message that were also in an earlier one."""
    current: Mapping[str, str]
    """Pointer and text of the present identity, profile and batch, including corrections."""
    needs: Mapping[tuple[str, str | None], Collection[str]]
    """The urgencies of the person's needs, by category and kind."""
    consents: Collection[tuple[str, str, datetime]]
    """Purpose, recipients (a class, or the id of one organisation) and time of each consent that was ever given."""
    has_contact: bool
    has_household: bool
    has_place: bool


@dataclass(frozen=True, slots=True)
class News:
    """What a repeated message adds, by position in its lists, and where it contradicts the stored data."""

    needs: list[int]
    consents: list[int]
    named_consents: list[int]
    contact: bool
    household: bool
    place: bool
    differing: list[str]


def names_text(given_names: str, family_names: str) -> str:
    """Names in the form in which they are compared: capitals, spaces and the encoding of accents make no difference."""
    plain = [" ".join(unicodedata.normalize("NFC", names).casefold().split()) for names in (given_names, family_names)]
    return _text(plain)


def told_facts(body: ReturneeArrived, *, batch: str | None, set_aside: Sequence[SetAside] = ()) -> list[Fact]:
    """All facts of an arrival, without defaults: a default says nothing."""
    dump = body.model_dump(mode="json", exclude_defaults=True)
    facts = [Fact(NAMES, names_text(body.identity.given_names, body.identity.family_names))]
    identity = [(pointer, name) for pointer, name in _of("identity", dump) if pointer in IDENTITY]
    facts += [Fact(pointer, _text(dump["identity"][name])) for pointer, name in identity]
    for part in ("profile", "return_facts"):
        facts += [Fact(pointer, _text(_sorted(dump[part][name]))) for pointer, name in _of(part, dump)]
    for name in (
        "manifest_reference",
        "household_reference",
        "household_size",
        "stay_together",
        "safe_contact",
        "reception_place",
    ):
        if name in dump:
            facts.append(Fact(f"/{name}", _text(dump[name])))
    if batch is not None:
        facts.append(Fact("/batch_reference", _text(batch)))
    facts += _numbered("/needs", dump.get("needs", []))
    facts += _numbered("/consents", dump.get("consents", []))
    facts += _numbered(NAMED_CONSENTS, dump.get("named_consents", []))
    return facts + [Fact(f"{ASIDE}{part.pointer}", _text([part.rule, part.value])) for part in set_aside]


def is_another_arrival(arrived_at: datetime, known_at: datetime) -> bool:
    """Whether the two times cannot belong to one arrival of one person."""
    return abs(arrived_at - known_at) > SAME_ARRIVAL


def standing_facts(names: tuple[str, str], stands: Mapping[str, object]) -> list[Fact]:
    """The present data of a person by pointer, in the form of facts. Empty values are omitted, because they were never
    sent."""
    facts = [Fact(pointer, _text(_sorted(value))) for pointer, value in stands.items() if value not in (None, [])]
    return [Fact(NAMES, names_text(*names)), *facts]


def is_another_person(told: Sequence[Fact], known: Known) -> bool:
    """Whether the names, the birth date or the document number differ from those of the stored person."""
    return any(
        fact not in known.facts and known.current.get(fact.pointer) not in (None, fact.text)
        for fact in told
        if fact.pointer in (NAMES, *IDENTITY)
    )


def news(body: ReturneeArrived, facts: Sequence[Fact], known: Known) -> News:
    """Which data of a repeated arrival are new, and which are not recorded because they contradict the stored data.

    `facts` are those of the arrival, without the parts that are set aside.
    """
    new = [fact for fact in facts if fact not in known.facts and known.current.get(fact.pointer) != fact.text]
    places = {name: [n for n, fact in enumerate(_in(facts, name)) if fact in new] for name in LISTS}
    needs = [n for n in places["/needs"] if _is_more(body.needs[n], known)]
    consents = [n for n in places["/consents"] if _name_of(body.consents[n]) not in known.consents]
    named = [n for n in places[NAMED_CONSENTS] if _name_of(body.named_consents[n]) not in known.consents]
    pointers = {fact.pointer for fact in new}
    household = "/household_reference" in pointers and not known.has_household
    contact = "/safe_contact" in pointers and not known.has_contact
    taken = {*LISTS, *(("/household_size", "/stay_together", "/household_reference") if household else ())}
    taken |= {"/safe_contact"} if contact else set()
    place = RECEPTION_PLACE in pointers and not known.has_place
    taken |= {RECEPTION_PLACE} if place else set()
    differing = [pointer for pointer in dict.fromkeys(fact.pointer for fact in new) if pointer not in taken]
    differing += [f"/needs/{n}" for n in places["/needs"] if n not in needs]
    return News(needs, consents, named, contact, household, place, differing)


def _is_more(need: NeedTold, known: Known) -> bool:
    """Whether it is another need, or a known need with a higher urgency: the higher urgency always takes effect."""
    has = known.needs.get((need.category, need.kind), ())
    return need.sender_reference is not None or all(is_more_urgent(need.urgency, Urgency(one)) for one in has)


def _name_of(consent: ConsentGiven | NamedConsentGiven) -> tuple[str, str, datetime]:
    named = consent.recipient_organization_id if isinstance(consent, NamedConsentGiven) else None
    of_class = consent.recipient_class if isinstance(consent, ConsentGiven) else None
    return consent.purpose.value, recipient_key(of_class, named), consent.given_at


def _in(facts: Sequence[Fact], pointer: str) -> list[Fact]:
    return [fact for fact in facts if fact.pointer == pointer]


def _of(part: str, dump: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(f"/{part}/{name}", name) for name in dump.get(part, {})]


def _numbered(pointer: str, items: Sequence[Any]) -> list[Fact]:
    """Number equal items of a list, so that they are different facts."""
    seen: Counter[str] = Counter()
    facts = []
    for item in items:
        text = _text(item)
        facts.append(Fact(pointer, f"{text}#{seen[text]}"))
        seen[text] += 1
    return facts


def _sorted(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
