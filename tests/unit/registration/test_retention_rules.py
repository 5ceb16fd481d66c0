"""Every kind of data has an end or a reason; the pack gives the days, within bounds; an end counts from the last thing
that happened."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

import services.registration.certificates.tables
import services.registration.intake.tables
import services.registration.screening.tables
import services.registration.vault.tables  # noqa: F401
from libs.chassis.yaml_files import read_yaml
from libs.events.tables import KEEP_DAYS as EVENT_DAYS
from services.registration.app import create_app
from services.registration.database import Table
from services.registration.erasure.rules import KEEP_ARRIVAL_KEY_DAYS
from services.registration.identity_ends.rules import Life, counts_from, is_due
from services.registration.pack import Reception, RetentionDays
from services.registration.retention.queries import clocks_of
from services.registration.sync.rules import KEEP_DAYS, TAKEN_DAYS

assert create_app, "importing the application declares every table"
ROOT = Path(__file__).resolve().parents[3]
PACKS = sorted((ROOT / "deploy" / "packs").glob("*/reception.yaml"))
PAGE = (ROOT / "docs" / "security" / "policies.md").read_text(encoding="utf-8")
AT = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 365


def reception(**changes):
    return Reception.model_validate(read_yaml(PACKS[0]) | changes)


def bounds(name):
    schema = RetentionDays.model_json_schema()["properties"][name]
    return schema["minimum"], schema["maximum"]


def row(clock):
    """The row of the page about one kind of data."""
    name = f"`{clock.setting}`" if clock.setting else "–"
    days = "–" if clock.days is None else f"{clock.days:,}"
    return f"| {clock.data} | {clock.ends} | {days} | {name} |"


def test_every_table_belongs_to_a_kind_of_data_that_has_an_end_or_a_reason():
    told = clocks_of(reception())
    assert {table for clock in told for table in clock.tables} == set(Table.metadata.tables)
    assert all(clock.ends for clock in told)


def test_the_page_has_every_kind_of_data_with_its_end_in_the_sample_packs():
    for path in PACKS:
        lacking = [
            row(clock) for clock in clocks_of(Reception.model_validate(read_yaml(path))) if row(clock) not in PAGE
        ]
        assert lacking == [], "\n".join(lacking)


def test_a_pack_without_the_days_has_those_of_the_code():
    assert RetentionDays() == RetentionDays(
        identity_days=1825, arrival_key_days=KEEP_ARRIVAL_KEY_DAYS, device_days=KEEP_DAYS
    )


def test_the_bounds_leave_room_for_what_may_still_come():
    assert bounds("arrival_key_days")[0] > EVENT_DAYS
    assert bounds("device_days")[0] - 31 > TAKEN_DAYS


@pytest.mark.parametrize("name", sorted(RetentionDays.model_fields))
def test_a_pack_can_neither_forget_at_once_nor_keep_for_a_hundred_years(name):
    lowest, highest = bounds(name)
    assert 0 < lowest < highest <= 3650
    for days in (0, lowest - 1, highest + 1, 36500):
        with pytest.raises(ValidationError):
            RetentionDays.model_validate({name: days})


@pytest.mark.parametrize("days", [0, 367])
def test_names_in_manifests_have_bounds_too(days):
    with pytest.raises(ValidationError):
        reception(manifest_days=days)


def test_the_end_counts_from_the_last_thing_that_happened_to_any_record_of_the_person():
    old, young = Life(AT - timedelta(days=900)), Life(AT - timedelta(days=10))
    assert is_due(counts_from([old], at=AT, days=DAYS), at=AT, days=DAYS)
    assert not is_due(counts_from([old, young], at=AT, days=DAYS), at=AT, days=DAYS)


def test_a_person_is_due_when_the_days_are_over_and_not_a_moment_before():
    assert is_due(AT - timedelta(days=DAYS), at=AT, days=DAYS)
    assert not is_due(AT - timedelta(days=DAYS) + timedelta(microseconds=1), at=AT, days=DAYS)


def test_an_extension_ends_the_data_at_its_end_and_never_earlier_than_without_it():
    last_at = AT - timedelta(days=900)
    assert counts_from([Life(last_at, AT)], at=AT, days=DAYS) == AT - timedelta(days=DAYS)
    assert not is_due(counts_from([Life(last_at, AT + timedelta(1))], at=AT, days=DAYS), at=AT, days=DAYS)
    assert counts_from([Life(AT, AT + timedelta(days=30))], at=AT, days=DAYS) == AT


def test_whatever_is_still_open_counts_from_now():
    assert counts_from([Life(AT - timedelta(days=9000), is_open=True)], at=AT, days=DAYS) == AT
