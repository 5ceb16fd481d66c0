"""The promises over HTTP."""

from pydantic import BaseModel, Field


class PromiseView(BaseModel):
    """One invariant and the present number of its violations."""

    name: str = Field(examples=["every_open_need_is_attended"])
    promise: str
    violations: int
    by_kind: dict[str, int] = Field(
        description="The violations that concern a need, by its kind; an empty name if only the category is known",
        examples=[{"temporary_shelter": 2}],
    )


class InvariantsView(BaseModel):
    """All invariants of referral and their present violations."""

    holds: bool
    promises: list[PromiseView]
