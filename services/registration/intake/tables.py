"""The facts that were sent about each arrival."""

from uuid import UUID

from sqlalchemy import Column, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from services.registration.database import Table
from services.registration.intake.rules import FORM_OF_FACTS


class ArrivalTold(Table, table=True):
    """The facts by which a repeated arrival is compared: a repetition, additional data, or another person."""

    __tablename__ = "arrival_told"
    __table_args__ = (Index("arrival_told_due", "returnee_id", postgresql_where=text(f"form < {FORM_OF_FACTS}")),)

    returnee_id: UUID = Field(primary_key=True, foreign_key="returnee.id")
    facts: list[bytes] = Field(sa_column=Column(ARRAY(LargeBinary), nullable=False))
    """A keyed hash of each fact that was sent; deleted when the person is erased."""
    form: int = Field(sa_column_kwargs={"server_default": "0"})
    """The form in which the facts are hashed (`rules.FORM_OF_FACTS`)."""
