"""What the parts that measure arrivals send, and what they make of their times."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from bench import manifests, matching, sync, year
from bench.arrivals import FLIGHT_SIZE
from bench.bare_insert import entry_rows
from bench.crowd import PORTION, registered_at, rows_of
from bench.names import Sample, sample
from deploy.local.installation import DEFAULT_PACK
from deploy.packs.demo_data import Traffic, load_demo
from libs.events.catalogue.arrivals import ArrivalBatchAnnounced, ArrivalBatchLanded, ReturneeArrived
from services.registration.arrivals.schemas import ReturneeIntake
from services.registration.linkage.records import Record
from services.registration.matching.queries import tokens_of
from services.registration.sync.rules import OPERATIONS_MAX
from services.registration.sync.schemas import OPERATION
from services.registration.vault.sealing import MasterKey

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
SECRET = bytes(range(32))


@pytest.fixture(scope="module")
def traffic() -> Traffic:
    return load_demo(DEFAULT_PACK).traffic


def test_a_year_has_all_flights_and_buses_with_as_many_people_as_in_the_demo(traffic: Traffic):
    vehicles = year.vehicles_of(traffic, share=1)
    assert Counter(one.mode for one in vehicles) == {"flight": 529, "bus": 384}
    assert all(105 <= one.people_count <= FLIGHT_SIZE for one in vehicles if one.mode == "flight")
    assert {one.people_count for one in vehicles if one.mode == "bus"} == {53, 35}
    assert vehicles == year.vehicles_of(traffic, share=1)


def test_a_twentieth_of_a_year_has_a_twentieth_of_the_flights(traffic: Traffic):
    assert Counter(one.mode for one in year.vehicles_of(traffic, share=0.05)) == {"flight": 26, "bus": 19}


def test_everybody_of_a_year_is_on_a_vehicle_that_has_landed(traffic: Traffic):
    vehicles = year.vehicles_of(traffic, share=0.005)
    landings = [ArrivalBatchLanded.model_validate_json(one.data) for one in year.landed(vehicles)]
    people = [ReturneeArrived.model_validate_json(one.data) for one in year.people_on(vehicles)]
    assert {one.sender_reference: one.people_count for one in landings} == Counter(
        one.batch_reference for one in people
    )
    assert {(one.mode.value, one.reception_place) for one in landings} == {("flight", "GT01"), ("bus", "GT12")}
    assert len({one.sender_reference for one in people}) == len(people)
    assert len({one.identity.family_names for one in people}) > len(people) / 2


def moments(*seconds_and_rows: tuple[float, int]) -> list[tuple[datetime, int]]:
    return [(AT + timedelta(seconds=seconds), rows) for seconds, rows in seconds_and_rows]


def test_a_tenth_is_measured_over_the_transactions_that_contain_it():
    rates = year.rates_of(moments((1, 10), (2, 10), (4, 60), (5, 10), (9, 10)), AT)
    assert (rates.whole, rates.first_tenth, rates.last_tenth) == (100 / 9, 10.0, 2.5)
    assert rates.flat == 0.25
    few = year.rates_of(moments((1, 40), (3, 60)), AT)
    assert (few.first_tenth, few.last_tenth) == (40.0, 30.0)


def test_rates_of_deliveries_count_people():
    assert year.rates_of(moments((1, 30), (10, 270)), AT, rows_each=3).whole == 10.0


def test_a_device_sends_as_many_operations_as_a_request_may_have_and_each_is_sound():
    body = sync.request(3)
    told = [OPERATION.validate_python(one) for one in body["operations"]]
    assert len(told) == sync.OPERATIONS == OPERATIONS_MAX
    assert Counter(one.kind.value for one in told) == dict.fromkeys(
        ("register", "report_need", "give_consent", "set_safe_contact", "correct"), sync.PEOPLE
    )
    assert [one.sequence for one in told] == list(range(1, 501))
    assert all(one.made_at <= datetime.now(UTC) for one in told)


def test_two_devices_have_no_operation_and_no_person_in_common():
    first, second = (sync.request(number)["operations"] for number in (0, 1))
    assert not {one["id"] for one in first} & {one["id"] for one in second}
    assert first[0]["data"]["identity"] != second[0]["data"]["identity"]


def test_a_manifest_is_sound_and_all_its_entries_are_copied():
    body = manifests.announced(2)
    told = ArrivalBatchAnnounced.model_validate(body)
    assert len(told.entries) == FLIGHT_SIZE
    copied = entry_rows(uuid4(), body["entries"])
    assert [row[2:6] for row in copied] == [
        (one.sender_reference, one.given_names, one.family_names, one.birth_date) for one in told.entries
    ]
    assert {one["sender_reference"] for one in manifests.announced(3)["entries"]}.isdisjoint(row[2] for row in copied)


def test_ratios_are_those_of_rounds():
    taken = manifests.Taken([20.0, 30.0, 80.0], [10.0, 10.0, 20.0], [5.0, 5.0, 5.0])
    told = manifests.figures_of(taken)
    assert (told["ms"], told["ratio_to_http_copy"], told["ratio_to_copy"]) == (30.0, 3.0, 6.0)
    rates = sync.figures_of(sync.Taken(ours=[100.0, 50.0, 200.0], again=[900.0], bare=[200.0, 200.0, 200.0]))
    assert (rates["ratio_to_bare"], rates["seconds"], rates["again_per_s"]) == (0.5, 5.0, 900.0)


def side(people: int, waits: list[float]) -> Any:
    return matching.Side("", None, people, 12.34, waits)  # type: ignore[arg-type]


def test_matching_compares_the_quantiles_of_both_sides():
    few, many = side(10_000, [10.0] * 98 + [20.0] * 2), side(1_000_000, [15.0] * 98 + [50.0] * 2)
    told = matching.figures_of(few, many)
    assert (told["ratio_p50"], told["ratio_p99"], told["many_p99_ms"], told["people"]) == (1.5, 2.5, 50.0, 1_000_000)


def test_every_fifth_arrival_was_registered_before_and_each_of_them_comes_once():
    numbers = range(-matching.WARM_UP, matching.ARRIVALS)
    again = [matching.arriving(one, known=10_000) for one in numbers if matching.is_again(one)]
    new = [matching.arriving(one, known=10_000) for one in numbers if not matching.is_again(one)]
    known = {sample(number) for number in range(1_000)}
    assert len(set(again)) == len(again) == 132
    assert set(again) <= known
    assert not set(new) & known


def test_an_arrival_that_is_matched_is_sound():
    told = ReturneeIntake.model_validate(matching.intake(sample(7)))
    assert told.identity.family_names == sample(7).family_names


def test_names_are_as_frequent_as_the_registry_says():
    people = [sample(number) for number in range(4_000)]
    assert people[:9] == [sample(number) for number in range(9)]
    surnames = Counter(word for one in people for word in one.family_names.split())
    assert 0.06 < surnames["López"] / 8_000 < 0.13
    assert sum(count == 1 for count in surnames.values()) > 100
    assert max(one.birth_date for one in people) < date(2007, 1, 1)


def test_the_rows_of_a_portion_are_sealed_and_have_the_hashes_of_their_people():
    rows, master = rows_of(SECRET, range(40, 60), AT), MasterKey(SECRET)
    for number, person, key, (returnee_id, tokens) in zip(
        range(40, 60), rows.people, rows.keys, rows.tokens, strict=True
    ):
        one: Sample = sample(number)
        assert person[0] == key[0] == returnee_id
        opened = master.unwrap(key[2], subject_id=returnee_id)
        assert opened.open(person[19], table="returnee", column="given_names") == one.given_names
        assert opened.open(person[21], table="returnee", column="birth_date") == one.birth_date.isoformat()
        assert set(tokens) == tokens_of(master, one.record)
    assert len(rows.contacts) == sum(sample(number).phone is not None for number in range(40, 60))
    sealed = b"".join(part for row in (*rows.people, *rows.contacts) for part in row if isinstance(part, bytes))
    assert not any(sample(number).family_names.encode() in sealed for number in range(40, 60))


def test_people_of_a_crowd_have_codes_and_ids_of_their_own_in_the_order_of_their_arrival():
    rows = rows_of(SECRET, [0, 1, PORTION, 999_999], AT)
    assert len({row[1] for row in rows.people}) == 4
    assert [row[0] for row in rows.people] == sorted(row[0] for row in rows.people)
    assert registered_at(999_999, at=AT) < AT


def test_a_record_has_all_that_is_compared():
    one = sample(3)
    assert one.record == Record(
        given_names=one.given_names,
        family_names=one.family_names,
        birth_date=one.birth_date,
        sex=one.sex,
        phone=one.phone,
        municipality=one.destination,
    )
    assert json.dumps(one.destination)
