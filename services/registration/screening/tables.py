"""Screenings, in the store of restricted needs."""

from uuid import UUID

from sqlalchemy import Column, Index
from sqlmodel import Field

from services.registration.database import Table, sealed


class RestrictedScreening(Table, table=True):
    """One screening. No column shows whose it is, its time, its state or its length.

    The service's login can use the table only in the role of restricted needs (`libs.chassis.logins`).
    """

    __tablename__ = "restricted_screening"
    __table_args__ = (Index("restricted_screening_of_owner", "owner"),)

    id: bytes = Field(sa_column=Column(sealed().type, primary_key=True))
    """The keyed hash of the person: there is one screening of a record."""
    owner: UUID
    """The keyed id of the person."""
    sealed: bytes = Field(sa_column=sealed(nullable=False))
