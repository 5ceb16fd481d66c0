"""The plan of flights and buses (pure): numbers from the country pack, at random times that depend on the seed."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from deploy.demo.shares import apportion
from deploy.packs.demo_data import Traffic
from deploy.simulate.conduct import dice
from libs.events.codes import TransportMode

SMALLEST: Final = 20
"""The smallest number of people in a vehicle. If the share of the traffic is small, there are fewer vehicles, but each
vehicle still has at least this number of people."""


@dataclass(frozen=True, slots=True)
class Vehicle:
    """One planned flight or bus."""

    reference: str
    mode: TransportMode
    after: timedelta
    """The time since the midnight at which the simulation begins."""
    people_count: int
    seed: int


def vehicles_of(day: int, *, traffic: Traffic, seed: int, share: float) -> list[Vehicle]:
    """The flights and buses of this day (the first is 0), in the order of time; `share` is that of the real traffic."""
    random = dice(seed, "traffic", day)
    flying = sum(random.randint(*traffic.on_a_flight) for _ in range(random.randint(*traffic.flights_a_day)))
    by_land = traffic.by_land_a_day
    found = []
    for mode, total, most in (
        (TransportMode.FLIGHT, flying, traffic.on_a_flight[1]),
        (TransportMode.BUS, by_land, -(-by_land // random.randint(*traffic.buses_a_day))),
    ):
        count = max(SMALLEST, round(total * share))
        vehicles = max(1, min(-(-total // most), count // SMALLEST))
        for number, people in enumerate(apportion(count, dict.fromkeys(range(vehicles), 1.0)).values()):
            after = timedelta(days=day, hours=random.uniform(*traffic.landing_hours))
            reference = f"simulation/day-{day}/{mode.value}-{number}"
            found.append(Vehicle(reference, mode, after, people, seed=dice(seed, reference).randrange(2**31)))
    return sorted(found, key=lambda one: one.after)


def declared(places: int, *, share: float) -> int:
    """The same share of a service's places; at least one if the service has places."""
    return 0 if places == 0 else max(1, round(places * share))
