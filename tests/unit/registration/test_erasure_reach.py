"""Erasure reaches every column of registration: a new one must say what becomes of it."""

import pytest
from sqlalchemy import ARRAY, LargeBinary

import services.registration.certificates.tables
import services.registration.intake.tables
import services.registration.screening.tables
import services.registration.vault.tables  # noqa: F401
from services.registration.app import create_app
from services.registration.database import Table
from services.registration.erasure.rules import APPEND_ONLY_RECORD, NOT_OF_A_PERSON, REACH, RESTRICTED_STORE, Change

assert create_app, "importing the application declares every table"
TABLES = Table.metadata.tables
KEPT_BYTES = {("manifest_entry", "entry_key")}
"""Keyed hashes that go at another moment: the manifest's ageing out."""


def holds_bytes(column):
    kind = column.type.item_type if isinstance(column.type, ARRAY) else column.type
    return isinstance(kind, LargeBinary) or column.name.endswith("_sealed") or column.name == "search_index"


def test_every_table_is_a_persons_or_said_not_to_be():
    assert set(TABLES) == set(REACH) | NOT_OF_A_PERSON | APPEND_ONLY_RECORD | RESTRICTED_STORE
    pointing = {
        name
        for name, table in TABLES.items()
        if "returnee_id" in table.columns or any(key.column.table.name == "returnee" for key in table.foreign_keys)
    }
    assert pointing - {"erasure"} <= set(REACH), "whatever points to a person is reached"


@pytest.mark.parametrize("name", sorted(REACH))
def test_every_column_of_a_person_is_changed_or_said_to_stay(name):
    reach, columns = REACH[name], set(TABLES[name].columns.keys())
    if reach.deleted:
        return
    assert set(reach.changed) | reach.stays == columns
    assert not set(reach.changed) & reach.stays


@pytest.mark.parametrize("name", sorted(REACH))
def test_nothing_sealed_and_no_keyed_hash_is_left(name):
    if REACH[name].deleted:
        return
    for column in TABLES[name].columns:
        if holds_bytes(column) and (name, column.name) not in KEPT_BYTES:
            assert REACH[name].changed[column.name] in (Change.WIPED, Change.EMPTIED), column.name


def test_tables_that_are_not_reached_hold_no_sealed_value():
    kept = {
        (name, column.name)
        for name in NOT_OF_A_PERSON | APPEND_ONLY_RECORD
        for column in TABLES[name].columns
        if holds_bytes(column)
    }
    seals = {("audit_seal", name) for name in ("previous_hash", "hash", "mac")}
    # What a sender says of a flight or bus is of nobody: it stays with the batch.
    words = {("arrival_batch", "reference_key"), ("arrival_batch", "words_sealed")}
    # Why a file of many people is needed. It is deleted at the end of the export.
    reasons = {("people_export", "reason_sealed")}
    assert kept == seals | {("erasure", "arrival_key")} | words | reasons
