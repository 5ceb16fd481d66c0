"""The times of duties after an incident, and what the pack must say about them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from libs.chassis.yaml_files import read_yaml
from services.registration.incidents.rules import DutyStage, stage_of
from services.registration.protection import Duty, DutySetBy, IncidentPolicy

KNOWN = datetime(2026, 3, 2, 12, tzinfo=UTC)
PACKS = Path(__file__).resolve().parents[3] / "deploy" / "packs"
TIME = {"hours": 72, "set_by": "network"}


@pytest.mark.parametrize(
    ("minutes", "stage"),
    [
        (0, None),
        (36 * 60 - 1, None),
        (36 * 60, DutyStage.HALF_TIME),
        (72 * 60 - 1, DutyStage.HALF_TIME),
        (72 * 60, DutyStage.OVERDUE),
        (999_999, DutyStage.OVERDUE),
    ],
)
def test_a_duty_has_two_stages_that_begin_at_half_and_at_the_end_of_its_time(minutes, stage):
    assert stage_of(KNOWN, timedelta(hours=72), at=KNOWN + timedelta(minutes=minutes)) is stage


@pytest.mark.parametrize(
    "changes",
    [
        {"people_told": TIME | {"hours": 0}},
        {"people_told": TIME | {"hours": 8761}},
        {"people_told": TIME | {"hours": "72 hours"}},
        {"people_told": TIME | {"set_by": "nobody"}},
        {"people_told": {"hours": 72}},
        {"staff_told": TIME},
    ],
    ids=["no time", "more than a year", "words", "set by nobody", "nobody named", "another duty"],
)
def test_a_pack_with_an_impossible_time_is_refused(changes):
    with pytest.raises(ValidationError):
        IncidentPolicy.model_validate({"authority_told": TIME, "people_told": TIME} | changes)


@pytest.mark.parametrize("missing", list(Duty))
def test_a_pack_must_name_each_duty_and_may_say_that_nobody_sets_its_time(missing):
    told = {"authority_told": TIME, "people_told": TIME}
    assert IncidentPolicy.model_validate(told | {missing.value: None}).times.keys() == set(Duty) - {missing}
    with pytest.raises(ValidationError):
        IncidentPolicy.model_validate({name: time for name, time in told.items() if name != missing.value})


@pytest.mark.parametrize(
    ("pack", "set_by"),
    [("guatemala", DutySetBy.NETWORK), ("honduras", DutySetBy.NETWORK), ("ethiopia", DutySetBy.LAW)],
)
def test_every_sample_pack_has_times_and_says_in_its_page_where_they_come_from(pack, set_by):
    policy = IncidentPolicy.model_validate(read_yaml(PACKS / pack / "reception.yaml")["incidents"])
    assert policy.times.keys() == set(Duty)
    assert policy.times[Duty.AUTHORITY_TOLD].set_by is set_by
    page = (PACKS / pack / "README.md").read_text(encoding="utf-8")
    assert "**Times after an incident**" in page
