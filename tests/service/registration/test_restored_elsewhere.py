"""A dump is restored into a new cluster, whose transactions have lower ids: the record of access is sealed all the same
once the cluster began where docs/operations.md says."""

import os
import signal
import subprocess
import sys

import asyncpg
import pytest

from deploy.local.infra import start_postgres
from deploy.local.keyring import Keyring
from deploy.local.postgres import initialise, programs, unprivileged_user
from deploy.local.processes import Family
from libs.chassis.clock import Clock
from libs.chassis.database import Database
from libs.chassis.sealed_log import seal_once
from services.registration.audit.tables import AUDIT
from tests.service.registration.test_audit import own as own_database
from tests.service.registration.test_audit import record, report, seal_all

own = own_database
SEGMENT = 1_048_576
"""Transactions of one file of PostgreSQL's commit log."""
LATER = """
CREATE TEMP TABLE spent (n int);
DO $$ BEGIN
    FOR n IN 1..30000 LOOP
        BEGIN INSERT INTO spent VALUES (n); EXCEPTION WHEN division_by_zero THEN NULL; END;
    END LOOP;
END $$
"""
"""Uses as many ids of transactions as a new cluster has not used when a dump has been restored into it."""


def run(program, *arguments, **more):
    done = subprocess.run([str(programs() / program), *arguments], capture_output=True, text=True, check=False, **more)
    assert done.returncode == 0, done.stderr


def set_next_transaction(data, transaction_id):
    launcher = [sys.executable, "-I", "-S", "deploy/local/launch.py", str(int(signal.SIGKILL)), str(os.getpid())]
    command = [str(programs() / "pg_resetwal"), f"--next-transaction-id={transaction_id}", str(data)]
    done = subprocess.run(
        [*launcher, unprivileged_user() or "-", *command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("as_told", [True, False], ids=["as told", "from the first id"])
async def test_a_record_that_was_restored_into_a_new_cluster_is_sealed_on(own, tmp_path, as_told):
    database, url = own
    connection = await asyncpg.connect(url)
    await connection.execute(LATER)
    await connection.close()
    for number in range(3):
        await record(database, number)
    await seal_all(database, 3)
    dump = tmp_path / "dump"
    run("pg_dump", "--format=custom", f"--file={dump}", f"--dbname={url}")
    connection = await asyncpg.connect(url)
    last = await connection.fetchval("SELECT max(up_to_transaction) FROM audit_seal")
    await connection.close()

    tmp_path.chmod(0o755)
    if as_told:
        initialise(tmp_path / "postgres" / "data", keyring=Keyring(tmp_path / "keys.json"))
        set_next_transaction(tmp_path / "postgres" / "data", (last // SEGMENT + 1) * SEGMENT)
    family = Family()
    try:
        server = await start_postgres(tmp_path, family=family)
        run("pg_restore", "--no-owner", "--no-privileges", "--create", f"--dbname={server.url()}", str(dump))
        restored = Database(server.url(url.rpartition("/")[2]), clock=Clock(), application_name="registration-restored")
        assert (await report(restored)).broken_at is None
        await record(restored, 4)
        if as_told:
            await seal_all(restored, 1)
            found = await report(restored)
            assert (found.entries_count, found.broken_at, found.unsealed_count) == (4, None, 0)
        else:
            assert await seal_once(restored, AUDIT) == 0, "where no id is above the last seal's nothing is sealed"
        await restored.close()
    finally:
        family.close()
