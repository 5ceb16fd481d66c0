"""Bodies and views of deletion requests."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from libs.events.codes import CaseCode, DeletionReason
from services.registration.sharing.rules import DeletionAnswer, KeepingGround


class DeletionAnswerBody(BaseModel):
    """What your organisation did with the data that it had fetched."""

    model_config = ConfigDict(extra="forbid")

    answer: DeletionAnswer
    ground: KeepingGround | None = Field(default=None, description="With `kept_by_law`: the kind of law")
    case_code: CaseCode | None = Field(
        default=None,
        description="For the packet of a household: this person only; if omitted, all people of the request",
    )


class DeletionRequestView(BaseModel):
    """A request to an organisation to delete data, and its last answer."""

    offer_id: UUID
    referral_id: UUID
    organization_id: UUID
    case_code: CaseCode | None = Field(description="Null once the person is erased and you have answered")
    reason: DeletionReason
    requested_at: datetime
    answer_by: datetime
    overdue: bool = Field(description="True if there is no answer and the deadline has passed")
    answer: DeletionAnswer | None = Field(description="The last answer; null if there is none yet")
    ground: KeepingGround | None
    answered_at: datetime | None
