"""The parts of the country pack that registration uses, as closed models.

They are `packets.yaml`, `consents.yaml`, `reception.yaml`, and two facts of `routing.yaml`. If a pack has a mistake,
the service does not start. Otherwise, the mistake would be noticed only when a person arrives.
"""

from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self, cast
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from libs.chassis.yaml_files import PackPart, read_model
from libs.consents.policy import ConsentPolicy, load_consents
from libs.events.codes import CountryCode, DeskCode, NeedCategory, PlaceCode, TransportMode
from services.registration.told_times import ToldTimes

Days = Annotated[int, Field(ge=0, le=3650)]


class Closing(StrEnum):
    """How an accepted offer ends. The pack gives a number of days for each."""

    COMPLETED = "completed"
    NOT_DELIVERED = "not_delivered"
    CANCELLED = "cancelled"
    RECALLED = "recalled"


class PacketField(StrEnum):
    """All fields that a packet can contain. The pack lists which of them each service type needs (domain P6)."""

    GIVEN_NAMES = "given_names"
    FAMILY_NAMES = "family_names"
    BIRTH_DATE = "birth_date"
    AGE_BAND = "age_band"
    SEX = "sex"
    NATIONALITY = "nationality"
    IDENTITY_DOCUMENT = "identity_document"
    DOCUMENT_NUMBER = "document_number"
    DOCUMENTS_HELD = "documents_held"
    LANGUAGES = "languages"
    DESTINATION = "destination"
    ACCESS_NEEDS = "access_needs"
    SAFE_CONTACT = "safe_contact"
    HOUSEHOLD_MEMBERS = "household_members"


class PacketPolicy(PackPart):
    """What an accepting provider may read, by service type, and for how many days after the end of the referral."""

    version: str
    days_after: dict[Closing, Days]
    deletion_answer_days: Annotated[int, Field(ge=1, le=365)]
    """The time in which an organisation must confirm that it deleted data that it may not have any more."""
    by_category: dict[NeedCategory, list[PacketField]]
    """The fields of a service type that `by_service_type` does not name."""
    by_service_type: dict[str, list[PacketField]] = {}

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for name, table, all_of in (
            ("days_after", self.days_after, Closing),
            ("by_category", self.by_category, NeedCategory),
        ):
            missing = set(all_of) - set(table)
            if missing:
                raise ValueError(f"{name} lacks {sorted(missing)}")
        return self

    def fields_for(self, *, category: NeedCategory, service_type: str) -> frozenset[PacketField]:
        """The fields that are allowed for one service type."""
        return frozenset(self.by_service_type.get(service_type, self.by_category[category]))


class ReceptionPlace(PackPart):
    """A place where flights and buses arrive."""

    name: str
    modes: Annotated[list[TransportMode], Field(min_length=1)]


class ReceptionSender(PackPart):
    """A sender of arrival events whose rows belong to one organisation rather than to the network's reception."""

    source: str
    """CloudEvents `source` of its events."""
    organization_id: UUID


class Reception(PackPart):
    """The rules of reception of a country."""

    country: CountryCode
    version: str
    timezone: str
    """The time zone in which days are counted, such as the day of arrival for an age."""
    manifest_days: Days
    """How many days after landing the names of announced people who were not met are kept (domain P17)."""
    times: ToldTimes
    """How far a time from outside may differ from our clock."""
    places: Annotated[dict[PlaceCode, ReceptionPlace], Field(min_length=1)]
    senders: list[ReceptionSender] = []

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError("not a time zone of the IANA data base")
        return name

    def day_of(self, moment: datetime) -> date:
        """The calendar day of a moment at the place of reception."""
        return moment.astimezone(ZoneInfo(self.timezone)).date()

    def organization_of(self, source: str) -> UUID | None:
        """The organisation to which arrivals of this sender belong; None: the reception staff of the network."""
        return next((sender.organization_id for sender in self.senders if sender.source == source), None)


class CategoryRule(BaseModel):
    """The part of a category's routing that registration uses."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    restricted: bool = False


class Routing(BaseModel):
    """The part of `routing.yaml` that registration uses. Referral uses all of it and refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    child_desk: DeskCode
    categories: dict[NeedCategory, CategoryRule]

    @property
    def restricted(self) -> frozenset[NeedCategory]:
        """The categories whose needs only holders of `restricted:read` can see."""
        return frozenset(category for category, rule in self.categories.items() if rule.restricted)


class Pack(PackPart):
    """All that registration reads from the country pack."""

    packets: PacketPolicy
    consents: ConsentPolicy
    reception: Reception
    routing: Routing

    @property
    def deletion_answer_within(self) -> timedelta:
        """The time in which an organisation must answer a deletion request."""
        return timedelta(days=self.packets.deletion_answer_days)


def load_pack(directory: Path) -> Pack:
    """The pack in `directory`. Raises FaultyFileError, which names file, line and key."""
    return Pack(
        packets=read_model(PacketPolicy, directory / "packets.yaml"),
        consents=load_consents(directory),
        reception=read_model(Reception, directory / "reception.yaml"),
        routing=read_model(Routing, directory / "routing.yaml"),
    )


async def _pack(request: Request) -> Pack:
    return cast(Pack, request.app.state.pack)


ThePack = Annotated[Pack, Depends(_pack)]
"""The pack as a dependency of routes."""
