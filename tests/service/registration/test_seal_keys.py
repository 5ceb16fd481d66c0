"""The key of the seals is changed while entries come: what was sealed before stays proven, the old key seals no more.

Seen to fail: the second test without the sealer's look at the last seal, the third without the order of keys.
"""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from libs.chassis.database import raw
from libs.chassis.seal_keys import SealKeysError, derived_key, seal_keys, successor
from libs.chassis.sealed_log import seal_once
from libs.chassis.sealed_log_check import check, link_of
from services.registration.audit import actions
from services.registration.audit.tables import AUDIT
from tests.service.registration.test_audit import own as own_database
from tests.service.registration.test_audit import record

own = own_database
OLD = (derived_key("the key of the fingerprints"),)
NEW = seal_keys(successor(OLD))


async def sealed(database, keys, number):
    """One entry, sealed by a worker that has these keys."""
    await record(database, number)
    async with asyncio.timeout(300):
        while not await seal_once(database, AUDIT, keys=keys, tell=actions.tell_seal):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def faults(database, keys):
    async with database.transaction() as session:
        rows = await (await raw(session)).fetch("SELECT payload FROM outbox WHERE type = 'audit.sealed.v1' ORDER BY id")
        report = await check(session, AUDIT, keys=keys, told=[link_of(json.loads(row["payload"])) for row in rows])
    assert report.broken_at is None
    return report.faults


async def test_what_was_sealed_before_and_after_a_change_is_proven_with_both_keys_and_with_no_fewer(own):
    database, _ = own
    for number, keys in enumerate((OLD, OLD, NEW, NEW)):
        await sealed(database, keys, number)
    assert await faults(database, NEW) == []
    unknown = "was not made with the key of this service"
    assert await faults(database, NEW[:1]) == [f"seal 1 {unknown}", f"seal 2 {unknown}"]
    assert await faults(database, OLD) == [f"seal 3 {unknown}", f"seal 4 {unknown}"]


async def test_a_worker_that_has_not_heard_of_the_new_key_seals_no_more(own):
    database, _ = own
    await sealed(database, OLD, 0)
    await sealed(database, NEW, 1)
    await record(database, 2)
    for _ in range(3):
        assert await seal_once(database, AUDIT, keys=OLD, tell=actions.tell_seal) is None
    await sealed(database, NEW, 3)
    assert await faults(database, NEW) == []


async def test_who_has_stolen_the_old_key_makes_no_seal_behind_the_new_one(own):
    """With the database and the old key in hand, past what the worker itself refuses."""
    database, _ = own
    await sealed(database, OLD, 0)
    await sealed(database, NEW, 1)
    thief = (OLD[0], NEW[0])
    await sealed(database, thief, 2)
    assert await faults(database, NEW) == ["seal 3 was made with a key that had been replaced before"]


def test_a_file_of_keys_keeps_every_key_and_refuses_what_is_none():
    texts = seal_keys("a-key-that-was-a-text\n")
    again = seal_keys(successor(texts))
    assert again[1:] == texts
    assert seal_keys(successor(NEW))[1:] == NEW
    assert len({*again, *NEW}) == 4
    for bad in ("", "short\n", "a-key-that-was-a-text\nshort", "derived:no-hexadecimal-digits"):
        with pytest.raises(SealKeysError):
            seal_keys(bad)


def test_the_commands_print_the_next_file_and_check_with_all_keys_of_it(tmp_path: Path):
    """From the derived key of an installation that names none, to a file of its own."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("ENLACE_")}

    def next_file(**told: str) -> str:
        command = [sys.executable, "-m", "services.registration.cli", "next-audit-key"]
        done = subprocess.run(command, env=plain | told, capture_output=True, text=True, check=True)
        return done.stdout

    first = next_file(ENLACE_FINGERPRINT_KEY="the key of the fingerprints")
    assert seal_keys(first)[1:] == OLD
    (tmp_path / "keys").write_text(first)
    (tmp_path / "keys").chmod(0o400)
    assert seal_keys(next_file(ENLACE_AUDIT_KEY_FILE=str(tmp_path / "keys")))[1:] == seal_keys(first)
