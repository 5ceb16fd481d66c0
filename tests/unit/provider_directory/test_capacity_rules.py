from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.provider_directory.capacity import rules
from services.provider_directory.capacity.rules import Pool
from services.provider_directory.errors import StaleDeclaration

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
SECONDS = st.integers(-86_400, 86_400).map(lambda seconds: NOW + timedelta(seconds=seconds))
IDS = st.integers(0, 5).map(lambda number: UUID(int=number))
POOLS = st.lists(
    st.builds(
        Pool,
        pool_id=IDS,
        kind=st.sampled_from(["adult_beds", "seats"]),
        maximum=st.integers(5, 9),
        available=st.integers(0, 5),
    ),
    max_size=4,
    unique_by=lambda pool: pool.pool_id,
)


@given(as_of=st.none() | SECONDS, standing=st.none() | SECONDS)
def test_what_counts_is_never_of_the_future_and_never_older_than_what_stands(as_of, standing):
    assume(standing is None or standing <= NOW)
    try:
        counted = rules.effective_as_of(as_of, now=NOW, standing=standing)
    except StaleDeclaration:
        assert as_of is not None
        assert standing is not None
        assert as_of < standing
        return
    assert counted <= NOW
    assert standing is None or counted >= standing


def test_a_declaration_without_a_time_counts_as_of_now():
    assert rules.effective_as_of(None, now=NOW, standing=NOW - timedelta(hours=1)) == NOW
    # Another transaction that began later may have declared first.
    later = NOW + timedelta(milliseconds=1)
    assert rules.effective_as_of(None, now=NOW, standing=later) == later


@given(st.lists(IDS, max_size=8))
def test_an_id_named_again_is_found_where_it_is_named_again(ids):
    found = rules.repeated(ids)
    assert [position for position in range(len(ids)) if ids[position] in ids[:position]] == found


@given(pools=POOLS, data=st.data())
def test_the_order_of_pools_says_nothing_and_a_later_moment_says_something(pools, data):
    shuffled = data.draw(st.permutations(pools))
    assert rules.says_the_same(shuffled, pools, as_of=NOW, standing_as_of=NOW)
    assert not rules.says_the_same(shuffled, pools, as_of=NOW, standing_as_of=NOW - timedelta(seconds=1))
    assert not rules.says_the_same(shuffled, pools, as_of=NOW, standing_as_of=None)


@given(one=POOLS, other=POOLS)
def test_other_figures_are_never_the_same(one, other):
    same = rules.says_the_same(one, other, as_of=NOW, standing_as_of=NOW)
    assert same == (set(one) == set(other))


@pytest.mark.parametrize(("seconds", "proved"), [(-1, False), (0, True), (1, True)])
def test_a_refusal_proves_only_figures_that_stood_when_it_came(seconds, proved):
    assert rules.is_proved_wrong(declined_at=NOW + timedelta(seconds=seconds), as_of=NOW) == proved


@given(st.integers(0, 20).flatmap(lambda count: st.tuples(st.just(count), st.integers(0, count))))
def test_trust_falls_with_each_wrong_figure_and_never_to_nothing(counts):
    declarations_count, wrong_count = counts
    trust = rules.trust(declarations_count=declarations_count, wrong_count=wrong_count)
    assert 0 < trust <= 1
    assert (trust == 1) == (wrong_count == 0)
    if wrong_count:
        assert trust < rules.trust(declarations_count=declarations_count, wrong_count=wrong_count - 1)
