"""What the promises look like over HTTP."""

from pydantic import BaseModel, Field


class PromiseView(BaseModel):
    """One thing that must always hold, and how often it does not now."""

    name: str = Field(examples=["every_open_need_is_attended"])
    promise: str
    violations: int


class InvariantsView(BaseModel):
    """Whether referral keeps its promises now."""

    holds: bool
    promises: list[PromiseView]
