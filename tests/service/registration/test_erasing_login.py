"""The login of the service, which owns nothing, may do what an erasure does."""

import secrets
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg

from libs.chassis.logins import grant
from libs.chassis.walls import WORKS_FOR
from services.registration.erasure.rules import REACH


async def test_the_login_of_the_service_has_every_right_that_an_erasure_needs(postgres_server):
    url = postgres_server.migrated("registration")
    login, password = f"erasing_{uuid4().hex[:12]}", secrets.token_hex(12)
    owner = await asyncpg.connect(url)
    await owner.execute(f"CREATE ROLE {login} LOGIN PASSWORD '{password}'; CREATE ROLE {login}_restricted")
    await owner.execute(f"GRANT {login}_restricted TO {login} WITH INHERIT FALSE, SET TRUE")
    try:
        await grant(url, login)
        parts = urlsplit(url)
        netloc = f"{login}:{password}@{parts.netloc.rpartition('@')[2]}"
        address = urlunsplit(parts._replace(netloc=netloc))
        service = await asyncpg.connect(address, server_settings={WORKS_FOR: "service"})
        try:
            for table, reach in REACH.items():
                statement = reach.statement(table)
                if statement is not None:
                    await service.execute(statement, uuid4())
            await service.execute("INSERT INTO spent_case_code VALUES ($1)", uuid4().hex)
            await service.execute("UPDATE erasure SET arrival_key = NULL")
            await service.execute(f"SET ROLE {login}_restricted")
            await service.execute("DELETE FROM restricted_need WHERE owner = $1", uuid4())
        finally:
            await service.close()
    finally:
        await owner.execute(f"DROP OWNED BY {login}, {login}_restricted; DROP ROLE {login}, {login}_restricted")
        await owner.close()
