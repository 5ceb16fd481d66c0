"""Any change of an entry changes the chain, and the chain is the same for ever."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from libs.chassis.hash_chain import GENESIS, chain

ENTRY = (
    1, 7, datetime(2026, 3, 2, 20, 0, tzinfo=UTC), UUID(int=1), "read", "packet.read", "desk", "desk", UUID(int=2),
    "referral", ["given_names"], None, UUID(int=3), "0af7651916cd43dd8448eb211c80319c", True,
)  # fmt: skip
CHANGES = (
    2, 8, ENTRY[2] + timedelta(microseconds=1), UUID(int=9), "write", "returnee.read", "x", "x", None, "x", [],
    UUID(int=3), None, None, False,
)  # fmt: skip


@pytest.mark.parametrize("place", range(len(ENTRY)))
def test_any_change_of_an_entry_changes_the_chain(place: int) -> None:
    changed = (*ENTRY[:place], CHANGES[place], *ENTRY[place + 1 :])
    assert chain(GENESIS, [ENTRY]) != chain(GENESIS, [changed])


def test_the_chain_is_the_same_for_ever_and_in_links_of_any_length() -> None:
    """The hash is that of entries which were sealed by the first version: old chains must still be found whole."""
    entries = [(number, *ENTRY[1:]) for number in range(5)]
    assert chain(chain(GENESIS, entries[:2]), entries[2:]) == chain(GENESIS, entries)
    assert chain(GENESIS, entries) != chain(GENESIS, entries[::-1])
    assert chain(GENESIS, [ENTRY[:14]]).hex() == "23376d18bcf9cc673ae6a38a6ae23bcbe3a7ddee839b1440d474892247eb223b"
