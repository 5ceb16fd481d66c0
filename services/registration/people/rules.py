"""Case codes, ages, and the rules for searches of an identity (pure)."""

from datetime import date

from libs.chassis.errors import FieldError
from libs.events.codes import AgeBand, ProtectionFlag
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
CHILD_BANDS = frozenset({AgeBand.UNDER_5, AgeBand.FROM_5_TO_11, AgeBand.FROM_12_TO_17, AgeBand.UNKNOWN})
CHILD_FLAGS = frozenset({ProtectionFlag.UNACCOMPANIED_CHILD, ProtectionFlag.AGE_DISPUTED})
"""The age bands and flags of people who are children, or count as children in doubt (domain P14)."""
INDEX_FORM = 2
"""The form in which names are hashed. It is raised when the form changes, so that old hashes are renewed."""
AGE_MAX_YEARS = 130


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
