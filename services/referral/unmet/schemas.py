"""How unmet needs are told in numbers."""

from dataclasses import dataclass

from pydantic import BaseModel, Field

from libs.events.codes import NeedCategory


@dataclass(frozen=True, slots=True)
class Filters:
    """Filters of the numbers."""

    category: NeedCategory | None = None
    area: str | None = None
    reason: str | None = None


class UnmetView(BaseModel):
    """The number of unmet needs by category, area and reason. Needs are counted, not people."""

    category: NeedCategory
    area: str | None = Field(description="The destination of the returnees; null if it is not known")
    reason: str = Field(description="Why a desk owns them, or why they were closed", examples=["no_candidate"])
    count: int | None = Field(description="Null if it is suppressed")
    suppressed: bool = Field(
        description="True if the count is below `small_cells_below` of the country pack, or would reveal such a count"
    )
