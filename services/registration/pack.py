"""The parts of the country pack that registration uses, as closed models.

They are `packets.yaml`, `consents.yaml`, `reception.yaml`, `taxonomy.yaml`, `instruments/`, `certificates.yaml`, and
some facts of `routing.yaml`. If a pack has a mistake, the service does not start. Otherwise, the mistake would be
noticed only when a person arrives.
"""

from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self, cast
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from libs.certificates.kinds import load_kinds, load_required
from libs.chassis.errors import FieldError
from libs.chassis.yaml_files import FaultyFileError, PackPart, open_yaml, read_model
from libs.consents.policy import ConsentPolicy, load_consents
from libs.events.codes import CountryCode, DeskCode, NeedCategory, NeedKind, PlaceCode, TransportMode
from libs.instruments.checks import Known
from libs.instruments.loading import load_instruments
from libs.instruments.model import Instruments
from libs.taxonomy.model import Taxonomy, load_taxonomy
from libs.taxonomy.policies import load_restricted, load_reviewed, of_every_category
from services.registration.own_needs import OwnNeeds
from services.registration.protection import (
    EmergencyPolicy,
    IdentityCheckPolicy,
    IncidentPolicy,
    ReleasePolicy,
    WithholdingPolicy,
)
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
    grant_days: Annotated[int, Field(ge=1, le=365)] = 7
    """The longest time for which the grant of a packet is valid. Then the organisation fetches the packet again."""
    by_category: dict[NeedCategory, list[PacketField]]
    """The fields of a service type that `by_service_type` does not name."""
    other_categories: list[PacketField] | None = None
    """The same for categories that `by_category` does not name."""
    by_service_type: dict[str, list[PacketField]] = {}
    by_kind: dict[NeedKind, list[PacketField]] = {}
    """The fields for the kind that the service gives. They come before those of the service type."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        missing = set(Closing) - set(self.days_after)
        if missing:
            raise ValueError(f"days_after lacks {sorted(missing)}")
        return self

    def fields_for(
        self, *, category: NeedCategory, service_type: str, kind: NeedKind | None = None
    ) -> frozenset[PacketField]:
        """The fields that are allowed for one kind or service type; none for a category that the taxonomy lacks."""
        if category not in self.by_category:
            return frozenset()
        of_type = self.by_service_type.get(service_type, self.by_category[category])
        return frozenset(of_type if kind is None else self.by_kind.get(kind, of_type))


def load_packets(directory: Path, taxonomy: Taxonomy) -> PacketPolicy:
    """The packets of the pack in `directory`, with the fields of each category of its taxonomy.

    Raises FaultyFileError, which names file, line and key.
    """
    file = open_yaml(directory / "packets.yaml")
    policy = file.model(PacketPolicy)
    fields = of_every_category(
        policy.by_category, policy.other_categories, taxonomy=taxonomy, file=file, key="by_category"
    )
    return policy.model_copy(update={"by_category": fields})


class ReceptionPlace(PackPart):
    """A place where flights and buses arrive."""

    name: str
    modes: Annotated[list[TransportMode], Field(min_length=1)]


class RetentionDays(PackPart):
    """For how many days kinds of data are kept. The code needs the lower bounds; the upper ones prevent that data stay
    by mistake (domain P20). `services/registration/retention/rules.py` lists all kinds."""

    identity_days: Annotated[int, Field(ge=180, le=3650)] = 1825
    """After the last thing that happened to a person. Then the data protection officer decides."""
    arrival_key_days: Annotated[int, Field(ge=29, le=366)] = 30
    """After an erasure. In this time a repeated arrival is recognised; Kafka, the inbox and parked events keep one for
    28 days."""
    device_days: Annotated[int, Field(ge=77, le=366)] = 90
    """After an operation of a device, the decision on a conflict, or the last call of a device. An operation may come
    again for 45 days, and an erasure may set its time back by a month."""
    export_days: Annotated[int, Field(ge=1, le=31)] = 7
    """The time in which the file of an export can be downloaded, and after which the recipient must delete it."""
    safe_contact_days: Annotated[int, Field(ge=1, le=366)] = 180
    """After the person said that a contact is safe, if they told no end. Then it is not given out any more."""

    @property
    def safe_contact_lasts(self) -> timedelta:
        """The same as a span of time."""
        return timedelta(days=self.safe_contact_days)

    @property
    def export_lasts(self) -> timedelta:
        """The same as a span of time."""
        return timedelta(days=self.export_days)


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
    manifest_days: Annotated[int, Field(ge=1, le=366)]
    """How many days after landing the names of announced people who were not met are kept (domain P17)."""
    retention: RetentionDays = RetentionDays()
    times: ToldTimes
    """How far a time from outside may differ from our clock."""
    places: Annotated[dict[PlaceCode, ReceptionPlace], Field(min_length=1)]
    senders: list[ReceptionSender] = []
    own_needs: OwnNeeds = OwnNeeds()
    child_releases: ReleasePolicy
    emergencies: EmergencyPolicy
    identity_checks: IdentityCheckPolicy
    incidents: IncidentPolicy
    withholding: WithholdingPolicy = WithholdingPolicy()

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError("not a time zone of the IANA data base")
        return name

    def day_of(self, moment: datetime) -> date:
        """The calendar day of a moment at the place of reception."""
        return moment.astimezone(ZoneInfo(self.timezone)).date()

    def place_faults(self, place: str, mode: TransportMode | None) -> list[FieldError]:
        """The fault of a place that is no reception place, or at which this mode of transport does not arrive."""
        known = self.places.get(place)
        if known is None:
            return [FieldError("/reception_place", "known-place", "This is not a reception place.")]
        if mode is not None and mode not in known.modes:
            detail = "This mode of transport does not arrive at this reception place."
            return [FieldError("/reception_place", "mode-of-place", detail)]
        return []

    def organization_of(self, source: str) -> UUID | None:
        """The organisation to which arrivals of this sender belong; None: the reception staff of the network."""
        return next((sender.organization_id for sender in self.senders if sender.source == source), None)


def load_reception(directory: Path, taxonomy: Taxonomy) -> Reception:
    """The reception of the pack in `directory`. Raises FaultyFileError, which names file, line and key."""
    file = open_yaml(directory / "reception.yaml")
    reception = file.model(Reception)
    faults = [
        file.fault(("own_needs", name), f"{category} is not a category of taxonomy.yaml")
        for name, category in reception.own_needs
        if category is not None and category not in taxonomy.categories
    ]
    if faults:
        raise FaultyFileError(faults)
    return reception


class Routing(BaseModel):
    """The part of `routing.yaml` that registration uses. Referral uses all of it and refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    child_desk: DeskCode
    small_cells_below: Annotated[int, Field(ge=1, le=100)]
    """Fewer people than this who share a row of a de-identified export could be recognised (domain P22)."""
    restricted: frozenset[NeedCategory]
    """The categories whose needs only holders of `restricted:read` and of a certificate can see."""
    certificates: dict[NeedCategory, str] = {}
    """The kind of certificate that each restricted category requires, from `certificates.yaml`."""


class Pack(PackPart):
    """All that registration reads from the country pack."""

    taxonomy: Taxonomy
    """From `taxonomy.yaml`: the categories and kinds of need, and the documents that a person may have."""
    packets: PacketPolicy
    consents: ConsentPolicy
    reception: Reception
    routing: Routing
    instruments: Instruments = Instruments()
    """Those of reception."""
    screenings: Instruments = Instruments()
    """Those that only a person with a certificate sees."""

    @property
    def deletion_answer_within(self) -> timedelta:
        """The time in which an organisation must answer a deletion request."""
        return timedelta(days=self.packets.deletion_answer_days)


def load_pack(directory: Path) -> Pack:
    """The pack in `directory`. Raises FaultyFileError, which names file, line and key."""
    taxonomy = load_taxonomy(directory)
    restricted = load_restricted(directory, taxonomy)
    packets = load_packets(directory, taxonomy)
    instruments, screenings = instruments_of(directory, taxonomy, packets).split()
    return Pack(
        taxonomy=taxonomy,
        packets=packets,
        consents=load_consents(directory, taxonomy),
        reception=load_reception(directory, taxonomy),
        routing=read_model(
            Routing,
            directory / "routing.yaml",
            restricted=restricted,
            certificates=load_required(directory, restricted),
        ),
        instruments=instruments,
        screenings=screenings,
    )


def instruments_of(directory: Path, taxonomy: Taxonomy, packets: PacketPolicy) -> Instruments:
    """The instruments of the pack in `directory`. Raises FaultyFileError, which names file, line and key."""
    restricted = load_restricted(directory, taxonomy)
    known = Known(
        taxonomy=taxonomy,
        restricted=restricted,
        private=restricted & load_reviewed(directory, taxonomy),
        recipients=frozenset({*taxonomy.categories, *packets.by_service_type}),
        certificates=frozenset(load_kinds(directory).kinds),
    )
    return load_instruments(directory, known)


async def _pack(request: Request) -> Pack:
    return cast(Pack, request.app.state.pack)


ThePack = Annotated[Pack, Depends(_pack)]
"""The pack as a dependency of routes."""
