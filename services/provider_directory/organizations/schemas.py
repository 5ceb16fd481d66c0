"""Bodies and views of organisations, accreditations and agreements."""

import unicodedata
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from libs.events.codes import CountryCode, NeedCategory, PublicationStatus
from libs.wire.values import Day
from services.provider_directory.organizations.rules import OrganizationType

PRINTABLE = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
"""No control characters except tab and line ends: the database cannot store NUL, and the others are of no use to a
reader."""


def composed(text: str) -> str:
    """The text with each accented letter as one character. Unicode has two forms of such a letter; both must be equal
    here."""
    return unicodedata.normalize("NFC", text)


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=PRINTABLE),
    AfterValidator(composed),
]
LongText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=5000, pattern=PRINTABLE),
    AfterValidator(composed),
]
WebAddress = Annotated[str, StringConstraints(max_length=500, pattern=r"^https?://[^\s\x00-\x1f\x7f]+$")]


class Body(BaseModel):
    """Base of request bodies. Unknown fields are refused, so that a misspelt field is not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class OrganizationBody(Body):
    """An organisation as a client enters it."""

    name: Name = Field(examples=["Casa de Acogida Ejemplo"])
    description: LongText = Field(examples=["Temporary shelter for returnees. Sample data."])
    alternate_name: Name | None = None
    website: WebAddress | None = Field(default=None, examples=["https://provider.example"])
    organization_type: OrganizationType = OrganizationType.CIVIL_SOCIETY
    acts_for: CountryCode | None = None
    """The foreign state for which it acts, such as a consulate: people who exclude this state are not referred to it.
    If omitted: unchanged. Only an administrator may change it."""
    status: PublicationStatus | None = None
    """If omitted: unchanged; active for a new organisation. Only an administrator may change it."""


class ValidityBody(Body):
    """The end of validity of an accreditation or an agreement."""

    valid_until: Day = Field(examples=["2027-12-31"])
    """The last valid day; a date in the past ends it."""


class ValidityView(BaseModel):
    """An accreditation or an agreement: one category and its last valid day."""

    category: NeedCategory
    valid_until: date


class OrganizationView(BaseModel):
    """An organisation. Entries of restricted categories are omitted without `restricted:read`."""

    id: UUID
    name: str
    description: str
    alternate_name: str | None
    website: str | None
    organization_type: OrganizationType
    acts_for: str | None
    status: PublicationStatus
    version: int
    accreditations: list[ValidityView]
    agreements: list[ValidityView]
    created_at: datetime
    changed_at: datetime
