"""Waves: per key in order across handlers, across keys as many at once as possible."""

from hypothesis import given
from hypothesis import strategies as st

from libs.events.handling.waves import waves

EVENTS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from("abcdef")), min_size=1, max_size=60)


@given(EVENTS)
def test_every_event_is_handed_out_once_and_in_order_per_key(events: list[tuple[int, str]]) -> None:
    handlers, keys = [handler for handler, _ in events], [key for _, key in events]
    order = [(handler, position) for handler, positions in waves(handlers, keys) for position in positions]
    assert sorted(position for _, position in order) == list(range(len(events)))
    assert all(handler == handlers[position] for handler, position in order)
    for key in set(keys):
        mine = [position for _, position in order if keys[position] == key]
        assert mine == sorted(mine)


def test_one_handler_gets_the_whole_batch_at_once() -> None:
    assert list(waves([2, 2, 2], ["a", "b", "a"])) == [(2, [0, 1, 2])]


def test_keys_that_are_not_at_the_same_point_still_share_calls() -> None:
    # a: registered, need; b: need only. Two calls suffice, because b can wait for a.
    assert list(waves([0, 1, 1], ["a", "a", "b"])) == [(0, [0]), (1, [1, 2])]


def test_a_rare_handler_in_the_middle_costs_one_call_not_one_per_key() -> None:
    handlers = [0, 1, 0, 1, 2, 0, 2]
    keys = ["a", "a", "b", "b", "b", "c", "c"]
    assert [handler for handler, _ in waves(handlers, keys)] == [0, 1, 2]


def test_types_that_alternate_within_a_key_keep_their_order() -> None:
    assert list(waves([0, 1, 0], ["a", "a", "a"])) == [(0, [0]), (1, [1]), (0, [2])]


def test_where_the_order_is_free_the_handler_declared_first_comes_first() -> None:
    # A flight that lands, among many people of it: they then know where they came in.
    assert list(waves([1, 1, 0], ["person", "another", "flight"])) == [(0, [2]), (1, [0, 1])]
