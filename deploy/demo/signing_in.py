"""Signs a sample person in at the local issuer, as a browser and the console do, for scenes that need a human being."""

import hashlib
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from html import unescape
from typing import Final
from urllib.parse import parse_qs, urlsplit

import httpx

from deploy.demo.client import Caller, Connections
from deploy.demo.world import World
from deploy.local.console_client import CONSOLE_CLIENT

_HIDDEN: Final = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')
FOREVER: Final = float("inf")
"""The scene is over long before the token expires."""


async def signed_in(world: World, connections: Connections, subject: str) -> Caller:
    """The sample person with this subject, with a token that lasts for one scene."""
    issuer, back = world.url("ISSUER"), f"{world.url('CONSOLE')}/sign-in/callback"
    verifier = secrets.token_urlsafe(48)
    async with httpx.AsyncClient(base_url=issuer, timeout=30, trust_env=False) as browser:
        page = await browser.get("/authorize", params=_request(back, verifier))
        page.raise_for_status()
        form = {unescape(name): unescape(value) for name, value in _HIDDEN.findall(page.text)}
        chosen = await browser.post("/authorize", data=form | {"subject": subject})
        code = parse_qs(urlsplit(chosen.headers["location"]).query)["code"][0]
        fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier}
        answer = await browser.post("/token", data=fields, auth=(CONSOLE_CLIENT, world.console_secret))
        answer.raise_for_status()
    token = answer.json()["access_token"]
    return Caller(connections, subject, "", world.addresses["ENLACE_TOKEN_URL"], _token=token, _until=FOREVER)


def _request(back: str, verifier: str) -> Mapping[str, str]:
    challenge = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return {
        "response_type": "code",
        "client_id": CONSOLE_CLIENT,
        "redirect_uri": back,
        "scope": "openid",
        "state": secrets.token_urlsafe(8),
        "nonce": secrets.token_urlsafe(8),
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
