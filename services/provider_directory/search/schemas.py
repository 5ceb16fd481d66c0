"""The criteria and the results of a search."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from libs.events.codes import LanguageCode, NeedCategory, NeedKind, PlaceCode
from libs.wire.values import Flag, Moment
from services.provider_directory.listings.schemas import Code, ServiceView
from services.provider_directory.organizations.schemas import PRINTABLE, Body, composed

SearchText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=PRINTABLE),
    AfterValidator(composed),
]


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


class FoundService(BaseModel):
    """An active service that matches the search."""

    service: ServiceView
    organization_name: str
    available: int | None
    """Free places by the current declaration; null without a declaration."""
    as_of: datetime | None
