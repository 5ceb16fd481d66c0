"""The report of what has gone."""

from datetime import date

from pydantic import BaseModel, Field

from services.registration.retention.rules import Gone


class KindReport(BaseModel):
    """One kind of data."""

    data: str = Field(description="The kind of data, in words")
    ends: str = Field(description="When it ends; without `days` the reason why it does not end by time")
    days: int | None
    setting: str | None = Field(description="The value of the pack's `reception.yaml` that gives the days")
    counted_as: Gone | None = Field(description="Null if what goes is not counted")
    gone: int | None = Field(description="How much went in these days; null if it is not counted")
    runs: int | None = Field(description="In how many transactions")


class RetentionReport(BaseModel):
    """Every kind of data of registration, and how much of it went in a span of days. It names nobody."""

    first_day: date = Field(description="In UTC, as `last_day`")
    last_day: date = Field(description="It is included")
    kinds: list[KindReport]
