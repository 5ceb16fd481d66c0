"""The vault's cryptography: nothing opens but under its key, in its place, unchanged."""

import base64
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registration.vault.sealing import MasterKey, VaultError

MASTER = MasterKey(bytes(range(32)))
OTHER = MasterKey(bytes(32))
NAMES = st.text(st.characters(codec="utf-8"), max_size=120)


@given(NAMES)
def test_what_is_sealed_opens_again_and_is_not_readable(plain):
    key = MASTER.fresh_key(uuid4()).key
    sealed = key.seal(plain, table="returnee", column="given_names")
    assert key.open(sealed, table="returnee", column="given_names") == plain
    assert len(plain.encode()) < 4 or plain.encode() not in sealed


@given(NAMES)
def test_the_same_value_never_looks_the_same_twice(plain):
    key = MASTER.fresh_key(UUID(int=1)).key
    assert key.seal(plain, table="t", column="c") != key.seal(plain, table="t", column="c")


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_a_single_changed_bit_does_not_open(place, flip):
    key = MASTER.fresh_key(UUID(int=1)).key
    sealed = bytearray(key.seal("Muestra", table="t", column="c"))
    sealed[place % len(sealed)] ^= flip
    with pytest.raises(VaultError):
        key.open(bytes(sealed), table="t", column="c")


@pytest.mark.parametrize(("table", "column"), [("other", "c"), ("t", "other")])
def test_a_value_does_not_open_in_another_place(table, column):
    key = MASTER.fresh_key(UUID(int=1)).key
    with pytest.raises(VaultError):
        key.open(key.seal("Muestra", table="t", column="c"), table=table, column=column)


def test_a_value_does_not_open_for_another_person_even_under_the_same_secret():
    fresh = MASTER.fresh_key(UUID(int=1))
    sealed = fresh.key.seal("Muestra", table="t", column="c")
    with pytest.raises(VaultError):
        MASTER.unwrap(fresh.wrapped, subject_id=UUID(int=2))
    with pytest.raises(VaultError):
        MASTER.fresh_key(UUID(int=2)).key.open(sealed, table="t", column="c")


def test_a_wrapped_key_opens_under_its_master_key_only():
    fresh = MASTER.fresh_key(UUID(int=1))
    again = MASTER.unwrap(fresh.wrapped, subject_id=UUID(int=1))
    assert again.open(fresh.key.seal("Muestra", table="t", column="c"), table="t", column="c") == "Muestra"
    with pytest.raises(VaultError):
        OTHER.unwrap(fresh.wrapped, subject_id=UUID(int=1))


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x02" + bytes(40), bytes(40)])
def test_what_is_no_sealed_value_is_refused(sealed):
    with pytest.raises(VaultError):
        MASTER.fresh_key(UUID(int=1)).key.open(sealed, table="t", column="c")


def test_nothing_is_sealed_as_nothing():
    key = MASTER.fresh_key(UUID(int=1)).key
    assert key.seal_or_none(None, table="t", column="c") is None
    assert key.open_or_none(None, table="t", column="c") is None


@given(st.text(max_size=40), st.text(max_size=40))
def test_blind_indexes_are_equal_for_equal_values_of_one_kind_under_one_key_only(one, two):
    assert (MASTER.blind("name", one) == MASTER.blind("name", two)) == (one == two)
    assert MASTER.blind("name", one) != MASTER.blind("document", one)
    assert MASTER.blind("name", one) != OTHER.blind("name", one)
    assert -(2**63) <= MASTER.token("name", one) < 2**63


def test_parts_of_a_blind_index_are_not_run_together():
    assert MASTER.blind("entry", "ab", "c") != MASTER.blind("entry", "a", "bc")


def test_parked_messages_are_sealed_apart_from_people():
    sealed = MASTER.seal_parked(b"Muestra")
    assert b"Muestra" not in sealed
    assert MASTER.open_parked(sealed) == b"Muestra"
    with pytest.raises(VaultError):
        OTHER.open_parked(sealed)


@pytest.mark.parametrize("text", ["", "no base64!", base64.b64encode(bytes(16)).decode()])
def test_a_master_key_of_another_form_is_refused_without_being_shown(text):
    with pytest.raises(VaultError) as fault:
        MasterKey.from_base64(text)
    assert not text or text not in str(fault.value)


def test_a_key_never_shows_its_secret():
    fresh = MASTER.fresh_key(UUID(int=1))
    assert "AESGCM" not in repr(fresh.key)
