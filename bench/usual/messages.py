"""The messages that the usual stack receives and publishes, as Pydantic models."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel


class Identity(BaseModel):
    """The identity of a person who arrives, as the reception system sends it."""

    given_names: str
    family_names: str
    birth_date: str


class Profile(BaseModel):
    """The data about a person that routing needs."""

    sex: str
    nationality: str
    identity_document: str
    languages: list[str]
    destination: str | None = None


class Need(BaseModel):
    """One need that the reception system reports with the arrival."""

    category: str
    urgency: str


class Arrived(BaseModel):
    """`returnee.arrived.v1`."""

    sender_reference: str
    batch_reference: str
    arrived_at: datetime
    identity: Identity
    profile: Profile
    needs: list[Need]


class Registered(Profile):
    """`returnee.registered.v1`."""

    returnee_id: UUID
    version: int
    case_code: str
    arrival_batch_id: UUID | None = None
    reception_place: str | None = None
    household_id: UUID | None = None
    age_band: str
    avoid_organizations: list[UUID] = []


class Reported(Need):
    """`need.reported.v1`."""

    returnee_id: UUID
    need_id: UUID
    people_count: int
    household_id: UUID | None = None
    arrival_batch_id: UUID | None = None
    after_need_id: UUID | None = None
    reported_at: datetime


class Opened(BaseModel):
    """`referral.opened.v1`."""

    returnee_id: UUID
    case_code: str
    need_id: UUID
    category: str
    at: datetime
    referral_id: UUID
    urgency: str
    people_count: int


class Made(Opened):
    """`offer.made.v1`."""

    offer_id: UUID
    organization_id: UUID
    provider_service_id: UUID
    service_type: str
    restricted: bool
    answer_by: datetime
