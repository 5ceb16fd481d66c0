"""Request and response of a call with many answers."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from libs.chassis.problems import Problem
from services.referral.audit.rules import ShowsParts
from services.referral.offers.schemas import DeclineBody, OfferView

ANSWERS_MAX = 100
"""The maximum number of answers in one call."""


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    offer_id: UUID


class Acknowledgement(_Answer):
    """Acknowledge: the provider has seen the offer."""

    answer: Literal["acknowledge"]


class Acceptance(_Answer):
    """Accept the offer."""

    answer: Literal["accept"]


class Declination(DeclineBody):
    """Decline the offer, with a coded reason."""

    offer_id: UUID
    answer: Literal["decline"]


Answer = Annotated[Acknowledgement | Acceptance | Declination, Field(discriminator="answer")]


class AnswersBody(BaseModel):
    """Answers to different offers."""

    model_config = ConfigDict(extra="forbid")

    answers: Annotated[list[Answer], Field(min_length=1, max_length=ANSWERS_MAX)] = Field(
        examples=[
            [
                {"offer_id": "0198d2a4-5f10-7c3e-9a55-0d7c5b1f2a01", "answer": "accept"},
                {"offer_id": "0198d2a4-5f10-7c3e-9a55-0d7c5b1f2a02", "answer": "decline", "reason": "full"},
            ]
        ]
    )


class ResultView(ShowsParts, BaseModel):
    """The result of one answer."""

    offer_id: UUID
    status: int = Field(description="As in a separate call: 200, 404, 409 or 422", examples=[200])
    offer: OfferView | None = Field(description="The offer in its new state, if the answer was accepted")
    problem: Problem | None = Field(description="Why the answer was refused")


class AnswersView(BaseModel):
    """The result of each answer, in the order of the call."""

    taken_count: int
    refused_count: int
    results: list[ResultView]
