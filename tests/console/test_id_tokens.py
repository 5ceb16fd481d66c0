"""The console takes no ID token but the right one: each wrong one is refused (OpenID Connect Core 3.1.3.7)."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import ECKey

from deploy.local.processes import free_port
from deploy.local.tokens import new_key
from services.console.errors import SignInRefused
from services.console.issuer import Issuer
from tests.console.sign_in_place import serving, settings
from tests.console.world import PACK


class Forger:
    """An issuer that answers with the tokens of a test."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.key = ECKey.generate_key("P-256", {"kid": "one", "use": "sig", "alg": "ES256"}, private=True)
        self.answer: dict[str, Any] = {}
        self.app = FastAPI()

        @self.app.get("/.well-known/openid-configuration")
        async def document() -> dict[str, str]:
            ends = {name: f"{url}/{name}" for name in ("authorization_endpoint", "token_endpoint")}
            return {"issuer": url, "jwks_uri": f"{url}/jwks", **ends}

        @self.app.get("/jwks")
        async def jwks() -> dict[str, Any]:
            return {"keys": [dict(self.key.as_dict(private=False))]}

        @self.app.post("/token_endpoint")
        async def token() -> dict[str, Any]:
            return self.answer

    def tell(self, *, header: dict[str, Any] | None = None, key: ECKey | None = None, **changes: Any) -> None:
        """Answer with an ID token that is right but for these changes; None takes a claim out."""
        now = int(time.time())
        person = {"iss": self.url, "sub": "ana", "aud": "enlace-console", "nonce": "the-nonce", "iat": now}
        claims = {**person, "exp": now + 300, **changes}
        claims = {name: value for name, value in claims.items() if value is not None}
        access = {"iss": self.url, "sub": "ana", "aud": "x", "client_id": "enlace-console", "iat": now}
        signed = jwt.encode({"alg": "ES256", "kid": "one", "typ": "at+jwt"}, access | {"exp": now + 300}, self.key)
        told = jwt.encode({"alg": "ES256", "kid": "one", **(header or {})}, claims, key or self.key)
        self.answer = {"access_token": signed, "id_token": told, "token_type": "Bearer"}


@pytest.fixture
async def forger() -> AsyncIterator[Forger]:
    port = free_port()
    made = Forger(f"http://127.0.0.1:{port}")
    async with serving(made.app, port):
        yield made


@pytest.fixture
async def asking(forger: Forger) -> AsyncIterator[Issuer]:
    async with httpx.AsyncClient() as http:
        yield Issuer(settings("http://127.0.0.1:1", forger.url, PACK), http)


async def test_a_right_id_token_is_taken(forger: Forger, asking: Issuer):
    forger.tell()
    found = await asking.exchange("code", verifier="v" * 43, nonce="the-nonce")
    assert found.subject == "ana"


WRONG: dict[str, dict[str, Any]] = {
    "of another issuer": {"iss": "http://other.example"},
    "for another client": {"aud": "other-console"},
    "for several clients without a party": {"aud": ["enlace-console", "other-console"]},
    "for several clients of another party": {"aud": ["enlace-console", "other"], "azp": "other"},
    "of another sign-in": {"nonce": "another"},
    "without a nonce": {"nonce": None},
    "ended": {"exp": 1_000},
    "without an end": {"exp": None},
    "of the future": {"iat": 9_999_999_999, "exp": 9_999_999_999 + 60},
    "without a subject": {"sub": None},
    "of another person than the access token": {"sub": "eva"},
    "valid for years": {"exp": 9_999_999_999},
    "with the hash of another access token": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    "with the type of an access token": {"header": {"typ": "at+jwt"}},
    "signed with another key": {"key": new_key(), "header": {"kid": "one"}},
    "signed with an unknown key": {"header": {"kid": "two"}},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
async def test_a_wrong_id_token_is_refused(forger: Forger, asking: Issuer, wrong: dict[str, Any]):
    """Each seen to fail with its check taken out, as far as one check alone finds it."""
    forger.tell(**wrong)
    with pytest.raises(SignInRefused):
        await asking.exchange("code", verifier="v" * 43, nonce="the-nonce")


async def test_an_unsigned_id_token_and_an_answer_that_is_none_are_refused(forger: Forger, asking: Issuer):
    forger.tell()
    header, claims, _ = forger.answer["id_token"].split(".")
    for told in (f"eyJhbGciOiJub25lIn0.{claims}.", f"{header}.{claims}.", "no token", "x" * 9_000):
        forger.answer["id_token"] = told
        with pytest.raises(SignInRefused):
            await asking.exchange("code", verifier="v" * 43, nonce="the-nonce")
    forger.answer = {"access_token": "x"}
    with pytest.raises(SignInRefused):
        await asking.exchange("code", verifier="v" * 43, nonce="the-nonce")
