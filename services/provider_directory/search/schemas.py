"""The criteria and the results of a search."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from libs.events.codes import (
    AccessNeed,
    CountryCode,
    DocumentKind,
    LanguageCode,
    NeedCategory,
    NeedKind,
    PlaceCode,
    Sex,
)
from libs.events.people_codes import AgeGroup
from libs.wire.values import Flag, Moment, Whole
from services.provider_directory.listings.schemas import Code, ServiceView
from services.provider_directory.organizations.schemas import PRINTABLE, Body, composed
from services.provider_directory.search.rules import MatchReason

SearchText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=PRINTABLE),
    AfterValidator(composed),
]


class PersonTraits(Body):
    """What decides whether a service may accept a person. A trait that is omitted excludes nothing."""

    sex: Sex | None = None
    """`unknown`: services for one sex only are left out."""
    age: Whole | None = Field(default=None, ge=0, le=120)
    """In years."""
    age_group: AgeGroup | None = None
    """Counts only without `age`. `adult`: services for children only are left out. `child`: those for adults only."""
    nationality: CountryCode | None = None
    unaccompanied_child: Flag = False
    """True: only services with a licence for children without a parent or guardian."""
    documents_held: list[DocumentKind] | None = Field(default=None, max_length=10)
    """All documents that the person has. Only those of the first person count, as in routing."""
    access_needs: list[AccessNeed] = Field(default=[], max_length=10)


class SearchBody(Body):
    """The search criteria; a service must match all that are given."""

    text: SearchText | None = Field(default=None, examples=["casa migrante"])
    """Words, or beginnings of words, of the service, its organisation, location, town or department. Each word must
    occur in one of them; accents, capital letters and apostrophes make no difference."""
    category: NeedCategory | None = None
    kind: NeedKind | None = Field(default=None, examples=["prosthesis"])
    """The service meets this kind of need; it may be of any category."""
    service_type: Code | None = None
    place: PlaceCode | None = Field(default=None, examples=["GT13"])
    """The service serves people of this place."""
    language: LanguageCode | None = Field(default=None, examples=["mam"])
    accepts_now: Flag = False
    """True: only services with a free place by their current declaration, without doubt about it since."""
    open_at: Moment | None = None
    for_people: list[PersonTraits] | None = Field(
        default=None,
        min_length=1,
        max_length=30,
        examples=[[{"sex": "female", "age": 31}, {"age": 8}, {"age": 3}]],
    )
    """The people who need the service together, one entry for each, the reference person first: only services that
    may accept all of them. With `accepts_now`: only services with a free place for each of them. Traits are used for
    this search alone; they are neither stored nor logged."""


class FoundService(BaseModel):
    """An active service that matches the search."""

    service: ServiceView
    organization_name: str
    available: int | None
    """Free places by the current declaration; null without a declaration."""
    as_of: datetime | None
    matches: list[MatchReason]
    """Why it is a result: a code for each criterion of the search that it meets. Empty without criteria."""
