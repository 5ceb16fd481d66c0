"""The plan of flights and buses (pure): numbers from the documents, at random times of the day that depend on the seed.

The documents give two to four flights a day with up to 135 people each, and 38,514 people a year by land, which is 105
a day (both manaus-2013). The hours of the day are assumed.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from deploy.demo.shares import apportion
from deploy.simulate.conduct import dice
from libs.events.codes import TransportMode

FLIGHTS_A_DAY: Final = (2, 4)
ON_A_FLIGHT: Final = (105, 135)
BY_LAND_A_DAY: Final = 105
BUSES_A_DAY: Final = (2, 3)
LANDING_HOURS: Final = (8.0, 17.0)
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


def vehicles_of(day: int, *, seed: int, share: float) -> list[Vehicle]:
    """The flights and buses of this day (the first is 0), in the order of time; `share` is that of the real traffic."""
    random = dice(seed, "traffic", day)
    flying = sum(random.randint(*ON_A_FLIGHT) for _ in range(random.randint(*FLIGHTS_A_DAY)))
    found = []
    for mode, total, most in (
        (TransportMode.FLIGHT, flying, ON_A_FLIGHT[1]),
        (TransportMode.BUS, BY_LAND_A_DAY, -(-BY_LAND_A_DAY // random.randint(*BUSES_A_DAY))),
    ):
        count = max(SMALLEST, round(total * share))
        vehicles = max(1, min(-(-total // most), count // SMALLEST))
        for number, people in enumerate(apportion(count, dict.fromkeys(range(vehicles), 1.0)).values()):
            after = timedelta(days=day, hours=random.uniform(*LANDING_HOURS))
            reference = f"simulation/day-{day}/{mode.value}-{number}"
            found.append(Vehicle(reference, mode, after, people, seed=dice(seed, reference).randrange(2**31)))
    return sorted(found, key=lambda one: one.after)


def declared(places: int, *, share: float) -> int:
    """The same share of a service's places; at least one if the service has places."""
    return 0 if places == 0 else max(1, round(places * share))
