"""How unmet needs are told in numbers."""

from dataclasses import dataclass

from pydantic import BaseModel, Field

from libs.events.codes import NeedCategory


@dataclass(frozen=True, slots=True)
class Filters:
    """What the numbers are narrowed to."""

    category: NeedCategory | None = None
    area: str | None = None
    reason: str | None = None


class UnmetView(BaseModel):
    """How many needs of one category, in one area, stay unmet for one reason. Needs are counted, not people."""

    category: NeedCategory
    area: str | None = Field(description="The place to which the returnees go; null where it is not known")
    reason: str = Field(description="Why a desk owns them, or why they were closed", examples=["no_candidate"])
    count: int | None = Field(description="Null where it is not told")
    suppressed: bool = Field(
        description="The count is below the `small_cells_below` of the country pack, or would give away one that is"
    )
