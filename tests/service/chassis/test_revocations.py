"""Who is shut out stays out, at every process that reads the list, within a second; also with a token known before."""

import asyncio
import json
from base64 import urlsafe_b64decode
from contextlib import AsyncExitStack

import pytest
import typer
from typer.testing import CliRunner

from libs.chassis.revocations import DenyList, Revocations, revoke
from libs.chassis.revoke import main
from tests.service.chassis.things import Gate


async def answered(client, headers, status):
    """The answer with this status, once it comes, long before the token expires."""
    async with asyncio.timeout(60):
        while (answer := await client.get("/v1/things", headers=headers)).status_code != status:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return answer


def claims_of(headers):
    return json.loads(urlsafe_b64decode(headers["Authorization"].split(".")[1] + "=="))


@pytest.mark.parametrize("by", ["token", "client", "subject"])
async def test_a_revoked_token_is_refused_by_every_process_and_others_are_not(by, make_app, running, issuer, tmp_path):
    file = tmp_path / "revocations.json"
    file.write_text("{}")
    async with AsyncExitStack() as stack:
        apps = [make_app(Gate(), revocations_file=file) for _ in range(2)]
        clients = [await stack.enter_async_context(running(app)) for app in apps]
        theirs = issuer.headers("things:read", client_id="left-us")
        others = issuer.headers("things:read", client_id="stays")
        for client in clients:
            assert (await client.get("/v1/things", headers=theirs)).status_code == 200, (
                "verified, and known from now on"
            )
        named = {"token": claims_of(theirs)["jti"], "client": "left-us", "subject": "left-us"}[by]
        command = typer.Typer()
        command.command()(main)
        done = CliRunner().invoke(command, ["--file", str(file), f"--{by}", named])
        assert done.exit_code == 0, done.output
        for client in clients:
            assert (await answered(client, theirs, 401)).json()["code"] == "invalid-token"
            assert (await client.get("/v1/things", headers=others)).status_code == 200


async def test_a_list_that_is_gone_or_broken_lets_nobody_in(make_app, running, issuer, tmp_path):
    file = tmp_path / "revocations.json"
    async with running(make_app(Gate(), revocations_file=file)) as client:
        headers = issuer.headers("things:read")
        missing = await client.get("/v1/things", headers=headers)
        assert (missing.status_code, missing.json()["code"]) == (503, "revocations-unknown")
        file.write_text("{}")
        await answered(client, headers, 200)
        file.write_text('{"client": {}}')
        await answered(client, headers, 503)


async def test_a_token_that_lives_too_long_is_refused(make_app, running, issuer):
    async with running(make_app(Gate(), token_longest_seconds=60)) as client:
        answer = await client.get("/v1/things", headers=issuer.headers("things:read"))
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid-token")


def test_what_was_issued_after_the_moment_is_good_and_lines_run_out(tmp_path):
    file = tmp_path / "revocations.json"
    revoke(file, at=1_000, token=("old", 1_100))
    revoke(file, at=2_000, client="c", token=("new", 3_000))
    listed = Revocations(file)
    of = {"jti": "j", "client_id": "c", "sub": "s"}
    assert listed.denies(of | {"iat": 2_000})
    assert not listed.denies(of | {"iat": 2_001})
    assert listed.denies(of | {"jti": "new", "iat": 2_500})
    assert DenyList.model_validate_json(file.read_text()).tokens == {"new": 3_000}
