"""Returnees."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from libs.events.codes import (
    AgeBand,
    IdentityDocumentStatus,
    Sex,
)
from libs.events.people_codes import AgeBasis, AgeGroup, ClientKind, ReturnKind, ReturnMode, ReturnOrder
from services.registration.database import Table, codes, moment, one_of, sealed


class Returnee(Table, table=True):
    """One person: a routing profile in codes, and an identity that only the person's key can decrypt."""

    __tablename__ = "returnee"
    __table_args__ = (
        one_of("age_band", list(AgeBand), name="returnee_age_band"),
        one_of("age_group", list(AgeGroup), name="returnee_age_group"),
        one_of("age_basis", list(AgeBasis), name="returnee_age_basis"),
        one_of("client_kind", list(ClientKind), name="returnee_client_kind"),
        one_of("return_kind", list(ReturnKind), name="returnee_return_kind"),
        one_of("return_order", list(ReturnOrder), name="returnee_return_order"),
        one_of("return_mode", list(ReturnMode), name="returnee_return_mode"),
        one_of("sex", list(Sex), name="returnee_sex"),
        one_of("identity_document", list(IdentityDocumentStatus), name="returnee_identity_document"),
        CheckConstraint("version >= 1", name="returnee_version"),
        CheckConstraint(
            "erased_at IS NOT NULL OR (given_names_sealed IS NOT NULL AND family_names_sealed IS NOT NULL)",
            name="returnee_named_until_erased",
        ),
        CheckConstraint(
            "erased_at IS NOT NULL OR (case_code IS NOT NULL AND arrival_key IS NOT NULL)",
            name="returnee_known_until_erased",
        ),
        Index("returnee_search_index", "search_index", postgresql_using="gin"),
        Index("returnee_index_due", "id", postgresql_where=text("index_form < 2 AND erased_at IS NULL")),
        Index("returnee_of_batch", "arrival_batch_id", "id"),
        Index("returnee_without_place", "arrival_batch_id", postgresql_where=text("reception_place IS NULL")),
        Index("returnee_of_household", "household_id", "id"),
        Index("returnee_in_order", "registered_at", "id", postgresql_where=text("erased_at IS NULL")),
        Index("returnee_merged", "merged_into", postgresql_where=text("merged_into IS NOT NULL")),
        CheckConstraint("merged_into <> id", name="returnee_merged_into_another"),
    )

    id: UUID = Field(primary_key=True)
    case_code: str = Field(sa_column=Column(Text, nullable=True, unique=True))
    """NULL in the database after the person is erased, like `arrival_key`."""
    version: int
    told_version: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    """The version with which the routing profile was last published. Corrections of only the identity are not
    published."""
    arrival_key: bytes = Field(sa_column=Column(sealed().type, nullable=True, unique=True))
    """The keyed hash of the sender and its reference. It makes a repeated arrival recognisable."""
    manifest_key: bytes | None = Field(default=None, sa_column=sealed())
    """The keyed hash of the manifest entry with which this person was announced."""
    source: str
    """The client, or the source of the event, that registered the person."""
    organization_id: UUID | None = None
    """The organisation to which the row belongs; None: the reception staff of the network."""
    arrival_batch_id: UUID | None = Field(default=None, foreign_key="arrival_batch.id")
    reception_place: str | None = None
    household_id: UUID | None = Field(
        default=None,
        sa_column=Column(Uuid, ForeignKey("household.id", deferrable=True, initially="DEFERRED"), nullable=True),
    )
    """It is checked at the commit, because members are written before the household, whose row is locked as late as
    possible."""
    arrived_at: datetime = Field(sa_column=moment())
    age_band: str
    age_group: str = Field(sa_column_kwargs={"server_default": AgeGroup.UNSURE.value})
    """The group of the band, or what was told or decided if that says otherwise."""
    age_basis: str | None = None
    """The basis of what was told or decided; None if only the birth date says it, or nobody has said anything."""
    age_decided_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    """When a desk decided about the age, as long as that decision counts."""
    sex: str
    nationality: str
    identity_document: str
    documents_held: list[str] = Field(sa_column=codes())
    languages: list[str] = Field(sa_column=codes())
    destination: str | None = None
    access_needs: list[str] = Field(sa_column=codes())
    protection_flags: list[str] = Field(sa_column=codes())
    avoid_places: list[str] = Field(sa_column=codes())
    avoid_organizations: list[UUID] = Field(sa_column=Column(ARRAY(Uuid), nullable=False))
    avoid_countries: list[str] = Field(default=[], sa_column=Column(ARRAY(Text), nullable=False, server_default="{}"))
    client_kind: str = Field(sa_column_kwargs={"server_default": ClientKind.RETURNEE.value})
    return_kind: str | None = None
    return_order: str | None = None
    return_mode: str | None = None
    return_signs: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False, server_default="{}"))
    given_names_sealed: bytes | None = Field(sa_column=sealed())
    family_names_sealed: bytes | None = Field(sa_column=sealed())
    birth_date_sealed: bytes | None = Field(default=None, sa_column=sealed())
    document_number_sealed: bytes | None = Field(default=None, sa_column=sealed())
    sender_reference_sealed: bytes | None = Field(default=None, sa_column=sealed())
    search_index: list[int] = Field(sa_column=Column(ARRAY(BigInteger), nullable=False))
    """The keyed hashes of the words of the names, of the birth date and of the document number."""
    index_form: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    """The form of names in the hashes. A process of an older version writes the first form."""
    traceparent: str | None = None
    registered_at: datetime = Field(sa_column=moment())
    erased_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    merged_into: UUID | None = Field(default=None, foreign_key="returnee.id")
    """The record under which this person continues, if staff have merged the two. All other data of both records stay
    as they are."""


class ComparisonDue(Table, table=True):
    """A person who has to be compared with others, because they are new or their facts have changed. The row is written
    in the same transaction, so that nobody is forgotten."""

    __tablename__ = "comparison_due"
    __table_args__ = (Index("comparison_due_in_order", "due_at", "returnee_id"),)

    returnee_id: UUID = Field(primary_key=True, foreign_key="returnee.id")
    due_at: datetime = Field(sa_column=moment())


class FieldChange(Table, table=True):
    """When a field of a person last changed after the registration; a field that never did has no row."""

    __tablename__ = "field_change"

    returnee_id: UUID = Field(primary_key=True, foreign_key="returnee.id")
    field: str = Field(primary_key=True)
    """A JSON pointer, such as `/profile/destination`; never a value."""
    revision: int
    """The number of this change among all changes of the person's fields."""
    changed_at: datetime = Field(sa_column=moment())
    """By our clock, also for a change that was made without a line."""
    device_id: UUID | None = None
    """The device that made the change without a line; None: it was made with a line."""
