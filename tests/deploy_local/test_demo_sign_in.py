"""The demo signs a sample person in as a browser and the console do."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from deploy.demo.client import Connections
from deploy.demo.screened import SCREENER
from deploy.demo.signing_in import signed_in
from tests.deploy_local.sign_in_steps import CONSOLE, world_in


async def test_a_sample_person_signs_in_with_the_claims_of_a_person(tmp_path: Path, running: Any) -> None:
    issuer = world_in(tmp_path)
    async with running(issuer.app) as client, Connections() as connections:
        addresses = {"ISSUER": str(client.base_url).rstrip("/"), "CONSOLE": CONSOLE.url}
        world = SimpleNamespace(
            url=addresses.__getitem__, console_secret=CONSOLE.secret, addresses={"ENLACE_TOKEN_URL": "unused"}
        )
        caller = await signed_in(cast(Any, world), connections, SCREENER)
    claims = issuer.claims(caller._token)
    assert (claims["sub"], claims["client_id"], claims["staff"]) == (SCREENER, CONSOLE.client_id, True)
    assert {"screening:write", "screening:read", "restricted:read"} <= set(claims["scope"].split())
