"""What comes on a day is the documents' traffic, drawn by the seed."""

from datetime import timedelta
from pathlib import Path

import pytest

from deploy.packs.demo_data import load_demo
from deploy.simulate.plan import declared, vehicles_of
from libs.events.codes import TransportMode

PACK = Path(__file__).parents[3] / "deploy" / "packs" / "guatemala"
TRAFFIC = load_demo(PACK).traffic
SEEDS = range(30)


@pytest.mark.parametrize("seed", SEEDS)
def test_two_to_four_flights_of_at_most_135_come_and_105_people_by_land(seed: int) -> None:
    found = vehicles_of(3, traffic=TRAFFIC, seed=seed, share=1.0)
    flights = [one for one in found if one.mode is TransportMode.FLIGHT]
    buses = [one for one in found if one.mode is TransportMode.BUS]
    assert 2 <= len(flights) <= 4
    assert all(100 <= flight.people_count <= 135 for flight in flights)
    assert sum(bus.people_count for bus in buses) == 105
    assert all(timedelta(days=3) <= one.after < timedelta(days=4) for one in found)
    assert found == sorted(found, key=lambda one: one.after) == vehicles_of(3, traffic=TRAFFIC, seed=seed, share=1.0)


def test_days_differ_and_every_vehicle_has_a_reference_and_people_of_its_own() -> None:
    found = [vehicle for day in range(30) for vehicle in vehicles_of(day, traffic=TRAFFIC, seed=20, share=1.0)]
    assert len({one.reference for one in found}) == len({one.seed for one in found}) == len(found)
    assert len({len([one for one in found if one.after.days == day]) for day in range(30)}) > 1


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_a_share_of_the_traffic_means_fewer_vehicles_not_empty_ones(share: float) -> None:
    for seed in SEEDS:
        found = vehicles_of(0, traffic=TRAFFIC, seed=seed, share=share)
        assert all(20 <= one.people_count <= 135 for one in found)
        assert 40 <= sum(one.people_count for one in found) <= max(20, 540 * share + 1) + max(20, 105 * share + 1)


def test_a_share_of_the_places_leaves_at_least_one_where_there_is_any() -> None:
    assert [declared(places, share=0.25) for places in (0, 1, 4, 10, 40)] == [0, 1, 1, 2, 10]
