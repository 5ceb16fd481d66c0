"""Bodies and views of requests to delete."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from libs.events.catalogue.registration import DeletionReason
from libs.events.codes import CaseCode
from services.registration.sharing.rules import DeletionAnswer, KeepingGround


class DeletionAnswerBody(BaseModel):
    """What became of the data that your organisation had fetched."""

    model_config = ConfigDict(extra="forbid")

    answer: DeletionAnswer
    ground: KeepingGround | None = Field(default=None, description="With `kept_by_law`: the kind of law")
    case_code: CaseCode | None = Field(
        default=None,
        description="Of a household's packet: for this person only; without it, for all who were asked for",
    )


class DeletionRequestView(BaseModel):
    """What an organisation was asked to delete, and its last answer."""

    offer_id: UUID
    referral_id: UUID
    organization_id: UUID
    case_code: CaseCode | None = Field(description="Null once the person is erased and you have answered")
    reason: DeletionReason
    requested_at: datetime
    answer_by: datetime
    overdue: bool = Field(description="There is no answer, and the time for it is over")
    answer: DeletionAnswer | None = Field(description="The last one; null as long as there is none")
    ground: KeepingGround | None
    answered_at: datetime | None
