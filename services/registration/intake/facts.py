"""An arrival as single facts, and what of them is news to a person who has been registered (pure)."""

import json
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from libs.events.catalogue.arrivals import ConsentGiven, NeedTold, ReturneeArrived
from libs.events.codes import Urgency
from libs.events.event import SetAside
from services.registration.needs.rules import is_more_urgent

SAME_ARRIVAL = timedelta(days=3)
"""How far apart two tellings of one arrival may put its time; the same person who comes again later comes anew."""
NAMES = "/identity/names"
ASIDE = "aside:"
"""Before the pointer of a part that was set aside."""
IDENTITY = ("/identity/birth_date", "/identity/document_number")


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is told: where it stands, and what it says in one form, or a keyed hash of that."""

    pointer: str
    text: str


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a person when the same arrival is told again."""

    facts: Collection[Fact]
    """All that has been told before, of what is told now."""
    current: Mapping[str, str]
    """Pointer and text of identity, profile and batch as they stand, also after corrections."""
    needs: Mapping[str, Collection[str]]
    """By category: the urgencies of the needs that the person has."""
    consents: Collection[tuple[str, str, datetime]]
    """Purpose, recipient class and time of each consent ever given."""
    has_contact: bool
    has_household: bool


@dataclass(frozen=True, slots=True)
class News:
    """What a telling adds to the one before, by the places in its lists; and where it contradicts it."""

    needs: list[int]
    consents: list[int]
    contact: bool
    household: bool
    differing: list[str]


def names_text(given_names: str, family_names: str) -> str:
    """Names as they are compared: capitals, spaces and the way in which accents are encoded do not matter."""
    plain = [" ".join(unicodedata.normalize("NFC", names).casefold().split()) for names in (given_names, family_names)]
    return _text(plain)


def told_facts(body: ReturneeArrived, *, batch: str | None, set_aside: Sequence[SetAside] = ()) -> list[Fact]:
    """All that an arrival tells and that is no default: a default says nothing."""
    dump = body.model_dump(mode="json", exclude_defaults=True)
    facts = [Fact(NAMES, names_text(body.identity.given_names, body.identity.family_names))]
    identity = [(pointer, name) for pointer, name in _of("identity", dump) if pointer in IDENTITY]
    facts += [Fact(pointer, _text(dump["identity"][name])) for pointer, name in identity]
    facts += [Fact(pointer, _text(_sorted(dump["profile"][name]))) for pointer, name in _of("profile", dump)]
    for name in ("manifest_reference", "household_reference", "household_size", "stay_together", "safe_contact"):
        if name in dump:
            facts.append(Fact(f"/{name}", _text(dump[name])))
    if batch is not None:
        facts.append(Fact("/batch_reference", _text(batch)))
    facts += _numbered("/needs", dump.get("needs", []))
    facts += _numbered("/consents", dump.get("consents", []))
    return facts + [Fact(f"{ASIDE}{part.pointer}", _text([part.rule, part.value])) for part in set_aside]


def is_another_arrival(arrived_at: datetime, known_at: datetime) -> bool:
    """Whether the two cannot be one arrival of one person."""
    return abs(arrived_at - known_at) > SAME_ARRIVAL


def standing_facts(names: tuple[str, str], stands: Mapping[str, object]) -> list[Fact]:
    """What stands of a person, by pointer, in the form in which it would be told; what is empty has not been told."""
    facts = [Fact(pointer, _text(_sorted(value))) for pointer, value in stands.items() if value not in (None, [])]
    return [Fact(NAMES, names_text(*names)), *facts]


def is_another_person(told: Sequence[Fact], known: Known) -> bool:
    """Whether the names, the birth date or the document number are not those of the person known."""
    return any(
        fact not in known.facts and known.current.get(fact.pointer) not in (None, fact.text)
        for fact in told
        if fact.pointer in (NAMES, *IDENTITY)
    )


def news(body: ReturneeArrived, facts: Sequence[Fact], known: Known) -> News:
    """What of an arrival told again is new, and which parts of it are not taken up because they tell it differently.

    `facts` are those of the arrival, without what is set aside.
    """
    new = [fact for fact in facts if fact not in known.facts and known.current.get(fact.pointer) != fact.text]
    places = {name: [n for n, fact in enumerate(_in(facts, name)) if fact in new] for name in ("/needs", "/consents")}
    needs = [n for n in places["/needs"] if _is_more(body.needs[n], known)]
    consents = [n for n in places["/consents"] if _name_of(body.consents[n]) not in known.consents]
    pointers = {fact.pointer for fact in new}
    household = "/household_reference" in pointers and not known.has_household
    contact = "/safe_contact" in pointers and not known.has_contact
    taken = {"/needs", "/consents", "/household_size", "/stay_together"} if household else {"/needs", "/consents"}
    taken |= {"/household_reference"} if household else set()
    taken |= {"/safe_contact"} if contact else set()
    differing = [pointer for pointer in dict.fromkeys(fact.pointer for fact in new) if pointer not in taken]
    differing += [f"/needs/{n}" for n in places["/needs"] if n not in needs]
    return News(needs, consents, contact, household, differing)


def _is_more(need: NeedTold, known: Known) -> bool:
    """Whether it is another need, or the one that is known, more urgently: nobody waits because it was told before."""
    has = known.needs.get(need.category.value, ())
    return need.sender_reference is not None or all(is_more_urgent(need.urgency, Urgency(one)) for one in has)


def _name_of(consent: ConsentGiven) -> tuple[str, str, datetime]:
    return consent.purpose.value, consent.recipient_class.value, consent.given_at


def _in(facts: Sequence[Fact], pointer: str) -> list[Fact]:
    return [fact for fact in facts if fact.pointer == pointer]


def _of(part: str, dump: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(f"/{part}/{name}", name) for name in dump.get(part, {})]


def _numbered(pointer: str, items: Sequence[Any]) -> list[Fact]:
    """Equal items of a list are told apart by their number among themselves."""
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
