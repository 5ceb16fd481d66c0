"""ORM classes of the event tables, of returnee and of need. Other tables have the services' own classes.

The services' classes of returnee and need have no `Relationship`, because Enlace writes these tables with its own SQL.
The usual stack needs one: without it, a flush would not know which of the two rows must be written first.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Column, DateTime, Identity, Text, Uuid
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel


class Table(SQLModel, registry=registry()):
    """Base of these tables."""


class Outbox(Table, table=True):
    """An event that was committed together with its effect and is not yet published."""

    __tablename__ = "outbox"

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    event_id: UUID
    topic: str
    key: str
    type: str
    payload: bytes
    traceparent: str
    created_at: datetime = Field(sa_type=DateTime(timezone=True))


class OutboxSent(Table, table=True):
    """An event that Kafka has acknowledged."""

    __tablename__ = "outbox_sent"

    id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    event_id: UUID
    topic: str
    key: str
    type: str
    payload: bytes
    traceparent: str
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    published_at: datetime = Field(sa_type=DateTime(timezone=True))
    partition: int
    log_offset: int = Field(sa_type=BigInteger)


class Inbox(Table, table=True):
    """An event that a consumer group has handled."""

    __tablename__ = "inbox"

    consumer_group: str = Field(primary_key=True)
    source: str = Field(primary_key=True)
    event_id: str = Field(primary_key=True)
    day: date = Field(primary_key=True)


class Returnee(Table, table=True):
    """One person."""

    __tablename__ = "returnee"

    id: UUID = Field(primary_key=True)
    case_code: str
    version: int = 1
    arrival_key: bytes
    source: str
    arrived_at: datetime = Field(sa_type=DateTime(timezone=True))
    age_band: str
    sex: str
    nationality: str
    identity_document: str
    documents_held: list[str] = Field(default=[], sa_column=Column(ARRAY(Text), nullable=False))
    languages: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    destination: str | None = None
    access_needs: list[str] = Field(default=[], sa_column=Column(ARRAY(Text), nullable=False))
    protection_flags: list[str] = Field(default=[], sa_column=Column(ARRAY(Text), nullable=False))
    avoid_places: list[str] = Field(default=[], sa_column=Column(ARRAY(Text), nullable=False))
    avoid_organizations: list[UUID] = Field(default=[], sa_column=Column(ARRAY(Uuid), nullable=False))
    given_names_sealed: bytes
    family_names_sealed: bytes
    birth_date_sealed: bytes
    sender_reference_sealed: bytes
    search_index: list[int] = Field(sa_column=Column(ARRAY(BigInteger), nullable=False))
    traceparent: str
    registered_at: datetime = Field(sa_type=DateTime(timezone=True))
    needs: list["Need"] = Relationship(back_populates="returnee")


class Need(Table, table=True):
    """One need of a person."""

    __tablename__ = "need"

    id: UUID = Field(primary_key=True)
    need_key: bytes
    returnee_id: UUID = Field(foreign_key="returnee.id")
    category: str
    urgency: str
    people_count: int = 1
    status: str = "reported"
    reported_at: datetime = Field(sa_type=DateTime(timezone=True))
    traceparent: str
    returnee: Returnee = Relationship(back_populates="needs")
