"""What a person is called, how old, and what of an identity may be searched for (pure)."""

from datetime import date

from libs.chassis.errors import FieldError
from libs.events.codes import AgeBand, ProtectionFlag
from libs.wire.names import words

CASE_CODE_ALPHABET = "23456789CDFGHJKMNPQRTVWXY"
"""No vowels, so that no word arises; no letter that is taken for a digit or for another letter over a bad line."""
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
"""Who is, or in doubt counts as, a child (domain P14)."""
INDEX_FORM = 2
"""The form of names of which keyed hashes are made; raised when that changes, so that old ones are made anew."""
AGE_MAX_YEARS = 130


def case_code(country: str, number: int) -> str:
    """The case code, such as `GT-7K3M-9QXC`, of a number below `CASE_CODES` that is drawn unpredictably.

    The number is a keyed hash: the same arrival told again after a restore gets the same code. Without the key it tells
    nothing of the person, and 25^8 codes make a guess hopeless behind authorisation.
    """
    letters = ""
    for _ in range(2 * _GROUP):
        number, place = divmod(number, len(CASE_CODE_ALPHABET))
        letters += CASE_CODE_ALPHABET[place]
    return f"{country}-{letters[:_GROUP]}-{letters[_GROUP:]}"


def age_in_years(birth_date: date, *, on: date) -> int:
    """Completed years on a day; born on 29 February turns a year older on 1 March of other years."""
    return on.year - birth_date.year - ((on.month, on.day) < (birth_date.month, birth_date.day))


def age_band(birth_date: date | None, *, on: date) -> AgeBand:
    """The band on a day of our own clock. Unknown stays unknown: it counts as a child's until reviewed (domain P14)."""
    if birth_date is None:
        return AgeBand.UNKNOWN
    years = age_in_years(birth_date, on=on)
    return next((band for end, band in _BAND_ENDS if years < end), AgeBand.FROM_60)


def birth_date_is_possible(birth_date: date, *, on: date) -> bool:
    """Whether somebody who is alive on that day can have been born then."""
    return birth_date <= on and age_in_years(birth_date, on=on) <= AGE_MAX_YEARS


def birth_date_fault(pointer: str) -> FieldError:
    """What is told when nobody who is alive today can have been born then."""
    return FieldError(f"{pointer}/birth_date", "possible-birth-date", "Nobody alive today was born that day.")


def search_faults(*, names: str | None, document_number: str | None, case_code: str | None) -> list[FieldError]:
    """What keeps a search from being one: it asks for two letters of a name or for another exact field (domain P18)."""
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
    """A document number as search compares it: letters and digits only, in upper case."""
    return "".join(c for c in number.upper() if c.isalnum())
