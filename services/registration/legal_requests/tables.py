"""Requests of authorities about a person, with their answers."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field

from services.registration.database import Table, codes, moment, one_of, sealed
from services.registration.legal_requests.rules import (
    Authority,
    Ground,
    Notice,
    NoticeReason,
    RequestAnswer,
    RequestStatus,
)


class LegalRequest(Table, table=True):
    """One request about one person (domain P16). What the authority wrote is sealed under the person's key."""

    __tablename__ = "legal_request"
    __table_args__ = (
        one_of("status", list(RequestStatus), name="legal_request_status"),
        one_of("authority", list(Authority), name="legal_request_authority"),
        one_of("answer", list(RequestAnswer), name="legal_request_answer"),
        one_of("ground", list(Ground), name="legal_request_ground"),
        one_of("notice", list(Notice), name="legal_request_notice"),
        one_of("notice_reason", list(NoticeReason), name="legal_request_notice_reason"),
        CheckConstraint(
            "(status = 'answered') = (answered_at IS NOT NULL) AND (answer IS NULL) = (answered_at IS NULL)"
            " AND (ground IS NULL) = (answered_at IS NULL) AND (notice IS NULL) = (answered_at IS NULL)",
            name="legal_request_answered",
        ),
        CheckConstraint("(notice = 'deferred') = (notice_due_at IS NOT NULL)", name="legal_request_deferred"),
        Index("legal_request_of_returnee", "returnee_id", "id"),
        Index("legal_request_of_status", "status", "id"),
    )

    id: UUID = Field(primary_key=True)
    returnee_id: UUID = Field(foreign_key="returnee.id")
    status: str = RequestStatus.OPEN.value
    version: int = 1
    authority: str
    asked: list[str] = Field(sa_column=codes())
    reference_sealed: bytes | None = Field(default=None, sa_column=sealed())
    """The authority's own reference, which may name the person. None after an erasure, like `words_sealed`."""
    words_sealed: bytes | None = Field(default=None, sa_column=sealed())
    received_at: datetime = Field(sa_column=moment())
    recorded_at: datetime = Field(sa_column=moment())
    recorded_by: str
    answer: str | None = None
    ground: str | None = None
    given: list[str] = Field(default=[], sa_column=codes())
    answered_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    answered_by: str | None = None
    notice: str | None = None
    notice_reason: str | None = None
    notice_due_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    """Until then the person is not told."""
