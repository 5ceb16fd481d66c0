"""Shares of packets, deletion requests to those who had them, and every answer. They contain only ids and codes."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field

from libs.events.codes import DeletionReason
from services.registration.database import Table, moment, one_of
from services.registration.sharing.rules import DeletionAnswer, KeepingGround


class PacketShare(Table, table=True):
    """One person in the packet of one accepted offer: the person with the need, or a member of the household."""

    __tablename__ = "packet_share"
    __table_args__ = (
        Index("packet_share_of_returnee", "returnee_id"),
        Index("packet_share_of_referral", "referral_id"),
        Index("packet_share_lapsing", "lapses_at", postgresql_where=text("lapses_at IS NOT NULL")),
    )

    offer_id: UUID = Field(primary_key=True)
    returnee_id: UUID = Field(primary_key=True)
    referral_id: UUID
    organization_id: UUID
    provider_service_id: UUID
    category: str
    fetched_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    """When it was last fetched; None if never."""
    lapses_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    """When the consent ends under which it was fetched. None if it was never fetched, or after the end has been
    handled."""
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    """When the accepted offer ended."""


class DeletionRequest(Table, table=True):
    """The last deletion request to one organisation for one packet, and its last answer."""

    __tablename__ = "deletion_request"
    __table_args__ = (
        one_of("reason", list(DeletionReason), name="deletion_request_reason"),
        one_of("answer", list(DeletionAnswer), name="deletion_request_answer"),
        one_of("ground", list(KeepingGround), name="deletion_request_ground"),
        CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name="deletion_request_answered"),
        Index("deletion_request_in_order", "requested_at", "offer_id", "returnee_id"),
        Index("deletion_request_of_organization", "organization_id", "requested_at", "offer_id", "returnee_id"),
        Index(
            "deletion_request_open",
            "answer_by",
            "offer_id",
            "returnee_id",
            postgresql_where=text("answer IS NULL"),
        ),
    )

    offer_id: UUID = Field(primary_key=True)
    returnee_id: UUID = Field(primary_key=True)
    referral_id: UUID
    organization_id: UUID
    category: str
    case_code: str | None = None
    """The code by which the organisation knows the person; None after it has answered and the person is erased."""
    reason: str
    requested_at: datetime = Field(sa_column=moment())
    answer_by: datetime = Field(sa_column=moment())
    answer: str | None = None
    ground: str | None = None
    answered_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class DeletionAnswerGiven(Table, table=True):
    """One answer of an organisation. It is never changed: a later answer is a new row."""

    __tablename__ = "deletion_answer"
    __table_args__ = (Index("deletion_answer_of_offer", "offer_id", "returnee_id", "answered_at"),)

    id: UUID = Field(primary_key=True)
    offer_id: UUID
    returnee_id: UUID
    answer: str
    ground: str | None = None
    answered_at: datetime = Field(sa_column=moment())
    answered_by: str
    """The client that answered."""
