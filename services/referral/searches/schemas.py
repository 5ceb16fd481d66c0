"""Searches over HTTP."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from libs.events.codes import NeedCategory, Urgency
from services.referral.searches.rules import SearchChannel, SearchResult

Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]


class SearchAttemptBody(BaseModel):
    """An attempt to find the person."""

    model_config = ConfigDict(extra="forbid")

    channel: SearchChannel = Field(examples=["call"])
    result: SearchResult = Field(
        examples=["not_found"],
        description="`found`: the need is offered again at once. `will_return`: search again later, no miss is counted",
    )
    note: Note | None = Field(default=None, description="Stored only in referral; do not write any names")


class SearchAttemptView(BaseModel):
    """One recorded attempt."""

    id: UUID
    referral_id: UUID
    at: datetime
    by: str = Field(description="Subject of the token of the person who looked")
    channel: SearchChannel
    result: SearchResult


class FollowUpView(BaseModel):
    """A person to look for."""

    referral_id: UUID
    need_id: UUID
    returnee_id: UUID
    case_code: str | None
    category: NeedCategory
    urgency: Urgency
    owner: str | None = Field(description="The desk that looks for the person")
    searching_since: datetime
    next_attempt_at: datetime = Field(description="The deadline for the next attempt")
    attempt_count: int = Field(description="Attempts recorded since the search began")
    missed_count: int = Field(description="The number of failed and missed attempts")
    last_channel: SearchChannel | None
    last_result: SearchResult | None
