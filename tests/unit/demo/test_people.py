"""The demo's people have the distributions that the documents give, whatever the seed and the size of the vehicle."""

from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.demo.arrivals import Arrival
from deploy.demo.country import Country
from deploy.demo.needs import tell
from deploy.demo.people import Person, Standing, make_people
from deploy.demo.shares import apportion
from libs.events.codes import IdentityDocumentStatus, Sex, TransportMode

TODAY = date(2026, 3, 2)
COUNTRY = Country.of(Path(__file__).parents[3] / "deploy" / "packs" / "guatemala")
SAMPLE = COUNTRY.sample
counts = st.integers(min_value=10, max_value=300)
seeds = st.integers(min_value=0, max_value=2**32)


def made(count: int, seed: int) -> list[Person]:
    return make_people(count, sample=SAMPLE, seed=seed, today=TODAY)


some_people = st.builds(made, counts, seeds)
A_FLIGHT = made(135, 1)


def in_families(people: list[Person]) -> int:
    return sum(person.household is not None for person in people)


def age_on(day: date, born: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


@given(counts, st.dictionaries(st.text(max_size=3), st.floats(0.1, 100), min_size=1, max_size=8))
def test_a_group_is_split_whole_and_each_part_is_its_share_rounded(count: int, weights: dict[str, float]) -> None:
    parts = apportion(count, weights)
    assert sum(parts.values()) == count
    total = sum(weights.values())
    assert all(abs(parts[key] - count * weight / total) < 1 + 1e-9 for key, weight in weights.items())


@given(some_people)
@settings(max_examples=60)
def test_94_in_a_hundred_are_men_and_6_are_women(people: list[Person]) -> None:
    assert sum(person.sex is Sex.FEMALE for person in people) == round(len(people) * 0.06)


@given(some_people)
@settings(max_examples=60)
def test_departments_education_and_papers_have_their_shares(people: list[Person]) -> None:
    slack = in_families(people) + 1  # a family shares its department, and its small children hold no card
    for weights, found in (
        (SAMPLE.people.destinations, Counter(person.destination for person in people)),
        (SAMPLE.people.education, Counter(person.education for person in people)),
        (SAMPLE.people.papers, Counter(person.papers for person in people)),
    ):
        total = sum(weights.values())
        for key, weight in weights.items():
            assert abs(found[key] - len(people) * weight / total) <= slack


def test_most_go_to_the_five_departments_that_the_documents_name() -> None:
    by_destination = Counter(person.destination for person in A_FLIGHT)
    assert {place for place, _ in by_destination.most_common(5)} == {"GT12", "GT13", "GT09", "GT14", "GT01"}


def test_all_three_ways_to_be_without_papers_are_there() -> None:
    assert {person.papers for person in A_FLIGHT} == set(IdentityDocumentStatus)


@given(some_people)
@settings(max_examples=60)
def test_there_are_families_and_unaccompanied_children_of_the_right_ages(people: list[Person]) -> None:
    standings = Counter(person.standing for person in people)
    assert standings[Standing.PARENT] >= 1
    assert standings[Standing.ACCOMPANIED_CHILD] >= 1
    assert standings[Standing.UNACCOMPANIED_CHILD] >= 1
    for person in people:
        if person.birth_date is not None:
            assert person.is_child == (age_on(TODAY, person.birth_date) < 18), person.standing
        else:
            assert not person.is_child, "the desk of the simulation decides that they are adults"
    assert any(person.birth_date is None for person in people), "one whose age a desk decides"


@given(some_people)
@settings(max_examples=60)
def test_a_household_has_one_reference_person_a_grown_one_and_the_size_it_says(people: list[Person]) -> None:
    for household in {person.household for person in people} - {None}:
        members = [person for person in people if person.household == household]
        assert {person.household_size for person in members} == {len(members)}
        assert [person.standing for person in members if person.is_reference] == [Standing.PARENT]
        assert len({person.destination for person in members}) == 1


@given(counts, seeds)
@settings(max_examples=30)
def test_the_same_seed_gives_the_same_people(count: int, seed: int) -> None:
    assert made(count, seed) == made(count, seed)


@given(some_people, seeds)
@settings(max_examples=60)
def test_registration_would_accept_every_intake(people: list[Person], seed: int) -> None:
    for told in tell(people, sample=SAMPLE, seed=seed):
        categories = [need.category for need in told.needs]
        assert len(set(categories)) == len(categories)
        assert all(need.people_count == 1 or told.person.household is not None for need in told.needs)
        assert all(need.after_category in {None, *categories} - {need.category} for need in told.needs)


@given(some_people, seeds)
@settings(max_examples=60)
def test_every_unaccompanied_child_asks_for_protection_and_nobody_is_asked_about_trafficking(
    people: list[Person], seed: int
) -> None:
    for told in tell(people, sample=SAMPLE, seed=seed):
        categories = {need.category for need in told.needs}
        assert not categories & {"anti_trafficking", "gbv"}
        if told.person.standing is Standing.UNACCOMPANIED_CHILD:
            assert {"child_protection", "shelter"} <= categories


def test_a_flight_tells_needs_of_every_ordinary_category_about_two_and_a_half_each() -> None:
    flight = Arrival.make(reference="f", mode=TransportMode.FLIGHT, country=COUNTRY, count=135, seed=7,
                          at=datetime(2026, 3, 2, 9, tzinfo=UTC))  # fmt: skip
    told = Counter(need.category for told in flight.people for need in told.needs)
    assert set(told) == set(SAMPLE.work) - {"anti_trafficking", "gbv"}
    assert 270 <= flight.needs_count <= 400


def test_the_bodies_are_those_of_the_contract_and_references_are_unique() -> None:
    bus = Arrival.make(reference="run-1/bus", mode=TransportMode.BUS, country=COUNTRY, count=40, seed=3,
                       at=datetime(2026, 3, 2, 9, tzinfo=UTC))  # fmt: skip
    references = [bus.arrived(told).sender_reference for told in bus.people]
    assert len(set(references)) == 40
    assert [entry.sender_reference for entry in bus.announced().entries] == references
    assert bus.landed().people_count == 40
