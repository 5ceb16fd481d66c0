"""The databases of the containers, and who may connect to which."""

import os

import asyncpg

from deploy import service_databases


async def test_the_databases_are_made_each_with_its_own_logins_and_again_without_harm(postgres_server):
    url, ending = postgres_server.new_database("init"), f"_{os.getpid()}"
    passwords = {name: f'it\'s "{name}" %s' for name in service_databases.LOGINS}
    connection = await asyncpg.connect(url)
    try:
        for _ in range(2):
            await service_databases.make_databases(url, passwords, ending=ending)
        rows = await connection.fetch(
            "SELECT d.datname, r.rolname, has_database_privilege('public', d.oid, 'CONNECT') AS open,"
            " r.rolsuper OR r.rolcreaterole OR r.rolcreatedb AS mighty"
            " FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba WHERE d.datname LIKE $1",
            f"%{ending}",
        )
        assert {row["datname"] for row in rows} == {f"{name}{ending}" for name in service_databases.NAMES}
        for row in rows:
            assert row["rolname"] == f"{service_databases.owner_of(row['datname'].removesuffix(ending))}{ending}"
            assert not row["open"]
            assert not row["mighty"]
        reached = await connection.fetch(
            "SELECT r.rolname, d.datname FROM pg_roles r, pg_database d WHERE r.rolname LIKE $1 AND d.datname LIKE $1"
            " AND has_database_privilege(r.oid, d.oid, 'CONNECT') AND r.rolname <> d.datname",
            f"%{ending}",
        )
        assert {row["rolname"].replace("_owner", "") for row in reached} == {row["datname"] for row in rows}
        assert all(row["rolname"].replace("_owner", "") == row["datname"] for row in reached)
    finally:
        await connection.close()
        for name in service_databases.NAMES:
            postgres_server.execute(f'DROP DATABASE IF EXISTS "{name}{ending}"')
        for name in service_databases.LOGINS:
            postgres_server.execute(f'DROP ROLE IF EXISTS "{name}{ending}"')
        for name in service_databases.RESTRICTED:
            postgres_server.execute(f'DROP ROLE IF EXISTS "{name}{ending}_restricted"')
