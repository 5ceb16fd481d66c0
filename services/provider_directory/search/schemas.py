"""What may be searched for, and what is found."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from libs.events.codes import LanguageCode, NeedCategory, PlaceCode
from libs.wire.values import Flag, Moment
from services.provider_directory.listings.schemas import Code, ServiceView
from services.provider_directory.organizations.schemas import PRINTABLE, Body, composed

SearchText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=PRINTABLE),
    AfterValidator(composed),
]


class SearchBody(Body):
    """What the service must be; all that is given must hold."""

    text: SearchText | None = Field(default=None, examples=["casa migrante"])
    """Words of the service, its organisation, location, town or department, or their beginnings. Each must stand
    somewhere; accents, capitals and apostrophes do not matter."""
    category: NeedCategory | None = None
    service_type: Code | None = None
    place: PlaceCode | None = Field(default=None, examples=["GT13"])
    """It serves people of this place."""
    language: LanguageCode | None = Field(default=None, examples=["mam"])
    accepts_now: Flag = False
    """True: only services with a free place by their standing declaration, not doubted since."""
    open_at: Moment | None = None


class FoundService(BaseModel):
    """A service that takes part in routing and matches the search."""

    service: ServiceView
    organization_name: str
    available: int | None
    """Places free by the standing declaration; none without one."""
    as_of: datetime | None
