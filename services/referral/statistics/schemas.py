"""How needs and unmet needs are told in numbers."""

from dataclasses import dataclass

from pydantic import BaseModel, Field

from libs.events.codes import NeedCategory


class CategoryStatistics(BaseModel):
    """How the needs of one category stand, of people who allow that they are counted. Needs are counted, not people.

    Null: too small to be told, or it would give away a number that is.
    """

    category: NeedCategory
    needs: int | None
    open: int | None
    offered: int | None = Field(description="At least one offer was made")
    accepted: int | None = Field(description="A provider has taken it, now or before")
    waitlisted: int | None = Field(description="Waits for a place now")
    awaiting_review: int | None = Field(description="Waits for a person's decision now")
    owned: int | None = Field(description="A named desk answers for it now")
    met: int | None
    refused: int | None
    closed: int | None


class StatisticsView(BaseModel):
    """How needs stand, by category."""

    categories: list[CategoryStatistics]


@dataclass(frozen=True, slots=True)
class UnmetFilters:
    """What numbers of unmet needs are narrowed to."""

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
