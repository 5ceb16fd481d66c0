"""Case codes, ages, and the rules for searches of an identity (pure)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from libs.chassis.errors import FieldError
from libs.events.catalogue.arrivals import AgeTold
from libs.events.codes import AgeBand, ProtectionFlag
from libs.events.people_codes import AgeBasis, AgeGroup
from libs.taxonomy.model import Taxonomy
from libs.taxonomy.told import document_faults
from libs.wire.names import words

CASE_CODE_ALPHABET = "23456789CDFGHJKMNPQRTVWXY"
"""It has no vowels, so that a code contains no words, and no letter that people confuse with a digit or with another
letter on a bad telephone line."""
_GROUP = 4
CASE_CODES = len(CASE_CODE_ALPHABET) ** (2 * _GROUP)
_BAND_ENDS: tuple[tuple[int, AgeBand], ...] = (
    (5, AgeBand.UNDER_5),
    (12, AgeBand.FROM_5_TO_11),
    (18, AgeBand.FROM_12_TO_17),
    (25, AgeBand.FROM_18_TO_24),
    (35, AgeBand.FROM_25_TO_34),
    (60, AgeBand.FROM_35_TO_59),
)
_CHILD_BANDS = frozenset({AgeBand.UNDER_5, AgeBand.FROM_5_TO_11, AgeBand.FROM_12_TO_17})
PERHAPS_CHILDREN = frozenset({AgeGroup.CHILD, AgeGroup.UNSURE})
CHILD_FLAGS = frozenset({ProtectionFlag.UNACCOMPANIED_CHILD, ProtectionFlag.AGE_DISPUTED})
"""The age groups and flags of people who are children, or count as children in doubt (domain P14)."""
INDEX_FORM = 2
"""The form in which names are hashed. It is raised when the form changes, so that old hashes are renewed."""
AGE_MAX_YEARS = 130
RECEPTION_PLACE = "/reception_place"
"""The pointer of the place where a person is received."""
AGE = "/profile/age"
"""The pointer of what is told or decided about the age."""


def case_code(country: str, number: int) -> str:
    """The case code, such as `GT-7K3M-9QXC`, of an unpredictable number below `CASE_CODES`.

    The number is a keyed hash: the same arrival gets the same code if it is sent again after a restore. Without the key
    it says nothing about the person. There are 25^8 codes, and requests need authorisation, so guessing is hopeless.
    """
    letters = ""
    for _ in range(2 * _GROUP):
        number, place = divmod(number, len(CASE_CODE_ALPHABET))
        letters += CASE_CODE_ALPHABET[place]
    return f"{country}-{letters[:_GROUP]}-{letters[_GROUP:]}"


def age_in_years(birth_date: date, *, on: date) -> int:
    """The completed years on a day. A person who was born on 29 February becomes a year older on 1 March in other
    years."""
    return on.year - birth_date.year - ((on.month, on.day) < (birth_date.month, birth_date.day))


def age_band(birth_date: date | None, *, on: date) -> AgeBand:
    """The age band on a day of our own clock. An unknown age stays unknown: it counts as a child's until it is reviewed
    (domain P14)."""
    if birth_date is None:
        return AgeBand.UNKNOWN
    years = age_in_years(birth_date, on=on)
    return next((band for end, band in _BAND_ENDS if years < end), AgeBand.FROM_60)


def held_faults(documents: Sequence[str], *, taxonomy: Taxonomy, pointer: str) -> list[FieldError]:
    """One fault for each document that the taxonomy of the country lacks."""
    faults = (document_faults(taxonomy, one, pointer=f"{pointer}/{place}") for place, one in enumerate(documents))
    return [fault for found in faults for fault in found]


@dataclass(frozen=True, slots=True)
class Age:
    """What is known about the age of a person."""

    band: AgeBand
    """Of the birth date; unknown without one, or if something else is told or decided."""
    group: AgeGroup
    basis: AgeBasis | None
    """The basis of what was told or decided; None if only the birth date says it, or nobody has said anything."""
    decided_at: datetime | None = None
    """When a desk decided about the age, as long as that decision counts."""


def group_of(band: AgeBand) -> AgeGroup:
    """The group of an age band."""
    if band is AgeBand.UNKNOWN:
        return AgeGroup.UNSURE
    return AgeGroup.CHILD if band in _CHILD_BANDS else AgeGroup.ADULT


def age_of(birth_date: date | None, told: AgeTold | None, *, on: date, decided_at: datetime | None = None) -> Age:
    """The age by the birth date and by what was told, or decided, about the group. The group prevails: a birth date
    that does not agree with it counts as not known."""
    band = age_band(birth_date, on=on)
    if told is None:
        return Age(band, group_of(band), None)
    agrees = group_of(band) is told.group
    return Age(band if agrees else AgeBand.UNKNOWN, told.group, told.basis, decided_at)


def age_faults(birth_date: date | None, told: AgeTold | None, *, on: date) -> list[FieldError]:
    """The faults of a birth date and a told group that contradict each other. `unsure` contradicts nothing."""
    by_date = group_of(age_band(birth_date, on=on))
    if told is None or AgeGroup.UNSURE in (by_date, told.group) or by_date is told.group:
        return []
    detail = "The birth date and the age group contradict each other."
    return [
        FieldError(pointer, "age-of-birth-date", detail) for pointer in ("/profile/age/group", "/identity/birth_date")
    ]


def corrected_age(
    stands: Age, *, birth_date: date | None, told: AgeTold | None, date_is_told: bool, on: date
) -> tuple[Age, list[FieldError]]:
    """The age after a correction, and its faults.

    `birth_date` is the corrected one; `date_is_told` says whether the correction names it. A new birth date replaces
    what was told. Nobody overrules the decision of a desk by a correction: a statement that does not agree with it
    makes the age unsure again, so that a desk decides again. If the desk was unsure, a birth date or a document
    settles the age.
    """
    before = None if stands.basis is None else AgeTold(group=stands.group, basis=stands.basis)
    faults = [] if stands.decided_at is not None else age_faults(birth_date, told, on=on)
    if told is None and date_is_told and birth_date is not None:
        new = age_of(birth_date, None, on=on)
    else:
        new = age_of(birth_date, told or before, on=on)
    is_documented = told is None or told.basis is AgeBasis.DOCUMENT
    if stands.decided_at is None or (stands.group is AgeGroup.UNSURE and is_documented):
        return new, faults
    if new.group is stands.group:
        return age_of(birth_date, before, on=on, decided_at=stands.decided_at), faults
    return Age(AgeBand.UNKNOWN, AgeGroup.UNSURE, new.basis), faults


def is_child_alone(group: str, flags: Collection[str], *, has_household: bool) -> bool:
    """True for a child without a household, and for a child in one who is marked as unaccompanied. A person of unsure
    age who is marked so counts as a child (domain P14)."""
    if ProtectionFlag.UNACCOMPANIED_CHILD in flags:
        return group in PERHAPS_CHILDREN
    return group == AgeGroup.CHILD and not has_household


def return_is_perhaps_unlawful(flags: Collection[str], signs: Collection[str]) -> bool:
    """True if the person tells of signs of an unlawful return, or fears to be returned."""
    return bool(signs) or ProtectionFlag.FEARS_RETURN in flags


def birth_date_is_possible(birth_date: date, *, on: date) -> bool:
    """Whether a person who is alive on that day can have this birth date."""
    return birth_date <= on and age_in_years(birth_date, on=on) <= AGE_MAX_YEARS


def birth_date_fault(pointer: str) -> FieldError:
    """The fault of a birth date that nobody who is alive today can have."""
    return FieldError(f"{pointer}/birth_date", "possible-birth-date", "Nobody alive today was born that day.")


def search_faults(*, names: str | None, document_number: str | None, case_code: str | None) -> list[FieldError]:
    """The faults of a search: it requires a word of two letters of a name, or another exact field (domain P18)."""
    faults = []
    if names is not None and not any(sum(map(str.isalpha, word)) > 1 for word in words(names)):
        faults.append(FieldError("/names", "two-letters", "A search by name needs a word of at least two letters."))
    if document_number is not None and not plain_document_number(document_number):
        faults.append(
            FieldError("/document_number", "letters-or-digits", "The number contains no letter and no digit.")
        )
    if names is None and document_number is None and case_code is None:
        faults.append(FieldError("", "enough-to-search", "Give names, a document number or a case code."))
    return faults


def plain_document_number(number: str) -> str:
    """A document number in the form in which the search compares it: only letters and digits, in upper case."""
    return "".join(c for c in number.upper() if c.isalnum())


def place_faults(
    told: str | None, *, has_batch: bool, batch_place: str | None, places: Collection[str]
) -> list[FieldError]:
    """The fault of the place where a person is received; it is always known, except for a batch that has not arrived.

    `batch_place`: where the batch arrives, as far as it is known. `places`: the reception places of the country.
    """
    if told is None:
        detail = "Name the reception place where the person is, or the flight or bus with which they came."
        return [] if has_batch else [FieldError(RECEPTION_PLACE, "place-required", detail)]
    if told not in places:
        return [FieldError(RECEPTION_PLACE, "known-place", "This is not a reception place.")]
    if batch_place is not None and not (told.startswith(batch_place) or batch_place.startswith(told)):
        return [FieldError(RECEPTION_PLACE, "place-of-batch", "The flight or bus of this person arrives elsewhere.")]
    return []
