"""Numbers of needs and of unmet needs over HTTP."""

from dataclasses import dataclass

from pydantic import BaseModel, Field

from libs.events.codes import NeedCategory, NeedKind


class NeedNumbers(BaseModel):
    """How far needs have come, of people who have consented to be counted. Needs are counted, not people."""

    needs: int | None
    open: int | None
    offered: int | None = Field(description="At least one offer was made")
    accepted: int | None = Field(description="A provider has accepted, now or earlier")
    waitlisted: int | None = Field(description="Waits for a place now")
    awaiting_review: int | None = Field(description="Waits for a review now")
    owned: int | None = Field(description="A desk owns it now")
    met: int | None
    refused: int | None
    closed: int | None


class CategoryStatistics(NeedNumbers):
    """The state of one category's needs.

    Null: the number is too small to be shown, or would reveal a number that is.
    """

    category: NeedCategory


class KindStatistics(BaseModel):
    """The state of the needs of one kind, as in `CategoryStatistics`."""

    kind: NeedKind | None = Field(description="Null: only the category is known")
    needs: int | None
    open: int | None
    met: int | None
    refused: int | None
    closed: int | None


class KindStatisticsView(BaseModel):
    """The state of the needs of one category, by kind."""

    category: NeedCategory
    kinds: list[KindStatistics]


class StageStatistics(NeedNumbers):
    """The state of the needs of one stage of the referral mechanism.

    Null: a number of one of its categories is not shown.
    """

    stage: int = Field(examples=[4])
    name: str = Field(examples=["Medium-term needs"])


class StatisticsView(BaseModel):
    """The state of needs, by category and by stage of the referral mechanism."""

    categories: list[CategoryStatistics]
    stages: list[StageStatistics]


@dataclass(frozen=True, slots=True)
class UnmetFilters:
    """Filters of the numbers of unmet needs."""

    category: NeedCategory | None = None
    area: str | None = None
    reason: str | None = None
    kind: NeedKind | None = None


class UnmetNumber(BaseModel):
    """A number of unmet needs. Needs are counted, not people."""

    category: NeedCategory
    reason: str = Field(description="Why a desk owns them, or why they were closed", examples=["no_candidate"])
    count: int | None = Field(description="Null if it is suppressed")
    suppressed: bool = Field(
        description="True if the count is below `small_cells_below` of the country pack, or would reveal such a count,"
        " alone or together with the other list of unmet needs"
    )


class UnmetView(UnmetNumber):
    """The number of unmet needs by category, area and reason."""

    area: str | None = Field(description="The destination of the returnees; null if it is not known")


class UnmetKindView(UnmetNumber):
    """The number of unmet needs by category, kind and reason."""

    kind: NeedKind | None = Field(description="Null: only the category is known")
