"""How long a stay may be, what a plan lacks, and which day it is."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import ValidationError

from services.referral.journeys.facts import Offer
from services.referral.lifecycles import exit_plan
from services.referral.lifecycles.exit_plan import ExitItem, ItemStatus, NextStep, PlanItem
from services.referral.pack.stays import StayPolicy
from services.referral.stays.rules import day_of
from services.referral.steps.stays import longest
from tests.unit.referral.making_facts import HOUR, NOW, STAYS

POLICY = StayPolicy(**cast(Any, STAYS))


def an_offer(hours: int | None, service_type: str = "temporary_shelter") -> Offer:
    return cast(Offer, SimpleNamespace(max_stay_hours=hours, service_type=service_type))


@pytest.mark.parametrize(
    ("hours", "service_type", "seconds"),
    [
        (72, "temporary_shelter", 72 * HOUR),
        (None, "temporary_shelter", None),
        (500, "child_shelter", 72 * HOUR),
        (24, "child_shelter", 24 * HOUR),
        (None, "child_shelter", 72 * HOUR),
    ],
)
def test_the_shorter_of_what_service_and_pack_say_holds(hours: int | None, service_type: str, seconds: float | None):
    assert longest(POLICY, an_offer(hours, service_type)) == seconds


@pytest.mark.parametrize("status", [ItemStatus.DONE, ItemStatus.NOT_NEEDED])
def test_a_plan_is_complete_when_nothing_is_open_and_the_next_step_is_known(status: ItemStatus):
    plan = {item: PlanItem(status) for item in ExitItem}
    assert exit_plan.is_complete(plan, NextStep.NOT_TOLD)
    assert not exit_plan.is_complete(plan, NextStep.UNKNOWN)
    plan[ExitItem.MONEY] = PlanItem()
    assert not exit_plan.is_complete(plan, NextStep.FAMILY)
    assert exit_plan.open_items(plan) == [ExitItem.MONEY]


def test_a_stored_plan_is_read_as_it_was_and_what_it_does_not_know_is_open():
    plan = {**exit_plan.empty_checklist(), ExitItem.MONEY: PlanItem(ItemStatus.DONE, NOW, "somebody")}
    document = exit_plan.as_document(plan)
    assert exit_plan.from_document(document) == plan
    del document["documents"]
    assert exit_plan.from_document(document)[ExitItem.DOCUMENTS].status is ItemStatus.OPEN


def test_a_day_is_that_of_the_zone_also_when_clocks_change():
    first, following = day_of(datetime(2026, 3, 5, 3, tzinfo=UTC), "America/Guatemala")
    assert (first.isoformat(), following - first) == ("2026-03-04T00:00:00-06:00", timedelta(days=1))
    first, following = day_of(datetime(2026, 3, 8, 12, tzinfo=UTC), "America/New_York")
    assert following.astimezone(UTC) - first.astimezone(UTC) == timedelta(hours=23)


@pytest.mark.parametrize(
    "changes",
    [
        {"alarms_before_end": [HOUR, 2 * HOUR]},
        {"alarms_before_end": []},
        {"owned_from_alarm": 4},
        {"extension_max": -1},
        {"of_type": {"child_shelter": {"maximum": 0, "extension_max": 0}}},
    ],
)
def test_a_pack_that_makes_no_sense_stops_the_service(changes: dict[str, Any]):
    with pytest.raises(ValidationError):
        StayPolicy(**{**cast(Any, STAYS), **changes})
