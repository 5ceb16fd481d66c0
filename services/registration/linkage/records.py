"""The record that is compared: what is known of one person, in clear text."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Record:
    """What one record says of a person. None: it says nothing. Empty text counts as None."""

    given_names: str | None = None
    family_names: str | None = None
    birth_date: date | None = None
    birth_year: int | None = None
    """The year of birth if no date is known. It may be an estimate from an age."""
    sex: str | None = None
    """`female` or `male`, or the first letter of either word. Other values are not compared."""
    document_number: str | None = None
    phone: str | None = None
    municipality: str | None = None
    street_number: str | None = None
    address_1: str | None = None
    address_2: str | None = None
    suburb: str | None = None
    postcode: str | None = None
    state: str | None = None
    birth_text: str | None = None
    """A birth date as written that is not a day of the calendar, such as `19450231`. Its digits are compared."""
