"""Tokens in the RFC 9068 profile: which are good and which aren't, and when the issuer is asked for its keys."""

import asyncio
import base64
import hmac
import time
from collections.abc import Callable
from typing import Any
from unittest.mock import Mock
from uuid import uuid4

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from libs.chassis import tokens
from libs.chassis.tokens import InvalidToken, IssuerUnreachable, KeyRing, TokenVerifier

ISSUER = "https://issuer.example"


class Lenient(JWSRegistry):
    """Signs any header, as an attacker would."""

    def check_header(self, header: dict[str, Any]) -> None:
        pass


class FakeIssuer:
    """Publishes keys, counts who asks, and can be away. The address of its keys is answered in this process."""

    def __init__(self) -> None:
        self.keys: list[Any] = [new_key("one")]
        self.asked = 0
        self.away = False
        self.leads_to: str | None = None
        self.addresses: list[str] = []
        self.elapsed = 0.0

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        self.addresses.append(str(request.url))
        if self.leads_to is not None:
            return httpx.Response(302, headers={"Location": self.leads_to})
        if self.away:
            return httpx.Response(500)
        return httpx.Response(200, json=KeySet(self.keys).as_dict(private=False))

    def verifier(self, **options: Any) -> TokenVerifier:
        client = httpx.AsyncClient(transport=httpx.MockTransport(self.answer), follow_redirects=True)
        ring = KeyRing(f"{ISSUER}/jwks", client, monotonic=lambda: self.elapsed, **options)
        return TokenVerifier(ring, issuer=ISSUER, audience="enlace")

    def token(
        self,
        *,
        key: Any = None,
        header: dict[str, Any] | None = None,
        without: str | None = None,
        **claims: Any,
    ) -> str:
        key = key or self.keys[0]
        now = int(time.time())
        said = {
            "iss": ISSUER,
            "aud": "enlace",
            "sub": "sample-client",
            "client_id": "sample-client",
            "iat": now,
            "exp": now + 60,
            "jti": str(uuid4()),
            "scope": "things:read",
            **claims,
        }
        said.pop(without or "", None)
        full = {"alg": "ES256", "typ": "at+jwt", "kid": key.kid, **(header or {})}
        return jwt.encode(
            {name: value for name, value in full.items() if value is not None},
            said,
            key,
            registry=Lenient(algorithms=["ES256", "PS256", "RS256", "Ed25519", "ES384"]),
            default_type=None,
        )


def new_key(key_id: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": key_id, "use": "sig"})


def signed_with_public_key(fake: FakeIssuer) -> str:
    """The old confusion: an HMAC whose secret is the text of the public key."""
    head, _, rest = fake.token(header={"alg": "ES256"}).partition(".")
    forged = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"at+jwt","kid":"one"}').rstrip(b"=")
    body = forged + b"." + rest.split(".")[0].encode()
    signature = hmac.digest(fake.keys[0].as_pem(private=False), body, "sha256")
    assert head
    return (body + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


@pytest.fixture
def fake() -> FakeIssuer:
    return FakeIssuer()


async def test_a_good_token_gives_its_claims(fake):
    claims = await fake.verifier().verify(fake.token(aud=["other", "enlace"], nbf=int(time.time())))
    assert claims["client_id"] == "sample-client"


@pytest.mark.parametrize("kind", ["at+jwt", "application/at+jwt", "AT+JWT"])
async def test_both_names_of_the_type_are_good(fake, kind):
    assert await fake.verifier().verify(fake.token(header={"typ": kind}))


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("PS256", RSAKey.generate_key(2048, {"kid": "p"})),
        ("RS256", RSAKey.generate_key(2048, {"kid": "r"})),
        ("Ed25519", OKPKey.generate_key("Ed25519", {"kid": "e"})),
    ],
)
async def test_each_listed_algorithm_is_good(fake, algorithm, key):
    fake.keys.append(key)
    assert await fake.verifier().verify(fake.token(key=key, header={"alg": algorithm}))


now = time.time
BAD: dict[str, Callable[[FakeIssuer], str]] = {
    "another issuer": lambda fake: fake.token(iss="https://other.example"),
    "another audience": lambda fake: fake.token(aud="other"),
    "no audience list": lambda fake: fake.token(aud={"enlace": True}),
    "expired": lambda fake: fake.token(exp=int(now()) - 11),
    "not yet valid": lambda fake: fake.token(nbf=int(now()) + 60),
    "issued in the future": lambda fake: fake.token(iat=int(now()) + 60),
    "expiry in words": lambda fake: fake.token(exp="tomorrow"),
    "expiry true": lambda fake: fake.token(exp=True),
    "no type": lambda fake: fake.token(header={"typ": None}),
    "the type of an ID token": lambda fake: fake.token(header={"typ": "JWT"}),
    "an algorithm that isn't listed": lambda fake: fake.token(
        key=ECKey.generate_key("P-384", {"kid": "one"}), header={"alg": "ES384"}
    ),
    "a key of the same name": lambda fake: fake.token(key=new_key("one")),
    "an unknown key": lambda fake: fake.token(key=new_key("two")),
    "the public key as a shared secret": lambda fake: signed_with_public_key(fake),
    "a header that must be understood": lambda fake: fake.token(header={"crit": ["sample"], "sample": 1}),
    "a key of another kind": lambda fake: fake.token(
        key=RSAKey.generate_key(2048, {"kid": "one"}), header={"alg": "RS256"}
    ),
    "no signature": lambda fake: (
        "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0IiwgImtpZCI6Im9uZSJ9." + fake.token().split(".")[1] + "."
    ),
    "a changed claim": lambda fake: ".".join(
        (fake.token().split(".")[0], fake.token(sub="other").split(".")[1], fake.token().split(".")[2])
    ),
    "not a token": lambda fake: "rubbish",
    "not ASCII": lambda fake: "é.é.é",
    "too long": lambda fake: fake.token(padding="x" * 9_000),
    "a subject that is a list": lambda fake: fake.token(sub=["x"]),
    **{
        f"no {name}": lambda fake, name=name: fake.token(without=name)  # type: ignore[misc]
        for name in ("iss", "exp", "aud", "sub", "client_id", "iat", "jti")
    },
}


@pytest.mark.parametrize("case", BAD)
async def test_a_bad_token_is_refused(fake, case):
    with pytest.raises(InvalidToken):
        await fake.verifier().verify(BAD[case](fake))


async def test_a_clock_that_is_a_little_off_is_forgiven(fake):
    assert await fake.verifier().verify(fake.token(exp=int(time.time()) - 5, nbf=int(time.time()) + 5))


async def test_keys_are_fetched_once(fake):
    verifier = fake.verifier()
    for _ in range(5):
        await verifier.verify(fake.token())
    assert fake.asked == 1


async def test_a_new_key_is_fetched_when_a_token_names_it_but_not_for_every_such_token(fake):
    verifier = fake.verifier(least_seconds=10)
    await verifier.verify(fake.token())
    fake.elapsed = 11
    made_up = new_key("made-up")
    for _ in range(5):
        with pytest.raises(InvalidToken):
            await verifier.verify(fake.token(key=made_up))
    assert fake.asked == 2
    fake.keys.append(new_key("two"))
    with pytest.raises(InvalidToken):
        await verifier.verify(fake.token(key=fake.keys[1]))
    fake.elapsed = 22
    assert await verifier.verify(fake.token(key=fake.keys[1]))
    assert fake.asked == 3


async def test_a_key_that_the_issuer_took_back_is_no_longer_good_after_an_hour(fake):
    verifier = fake.verifier(fresh_seconds=3600)
    old = fake.token()
    await verifier.verify(old)
    fake.keys = [new_key("two")]
    fake.elapsed = 3601
    await verifier.verify(old)  # nobody waits: this one starts the fetch
    for _ in range(500):
        if verifier._ring._renewal.done():
            break
        await asyncio.sleep(0.01)
    with pytest.raises(InvalidToken):
        await verifier.verify(old)


async def test_a_signature_is_checked_once_and_the_times_with_every_request(fake, monkeypatch):
    """Without `_known` it is checked three times; with what `_check` says kept as well, the old token is good."""
    checks = Mock(side_effect=jwt.decode)
    monkeypatch.setattr(tokens.jwt, "decode", checks)
    verifier, token = fake.verifier(), fake.token()
    for _ in range(3):
        assert await verifier.verify(token)
    assert checks.call_count == 1
    verifier._clock = lambda: time.time() + 120
    with pytest.raises(InvalidToken, match="expired"):
        await verifier.verify(token)


async def test_tokens_are_known_up_to_a_number(fake, monkeypatch):
    """Made-up ones aren't kept at all, and good ones not for ever."""
    monkeypatch.setattr(tokens, "_TOKENS_KNOWN", 3)
    verifier = fake.verifier()
    for _ in range(5):
        await verifier.verify(fake.token())
        with pytest.raises(InvalidToken):
            await verifier.verify(fake.token(key=new_key("one")))
    assert len(verifier._known) == 3


async def test_another_key_under_the_same_name_is_asked_again(fake):
    """Without `under is keys` a token that this key never signed stays good."""
    verifier, old = fake.verifier(fresh_seconds=3600), fake.token()
    await verifier.verify(old)
    fake.keys, fake.elapsed = [new_key("one")], 3601
    await verifier.verify(old)
    await verifier._ring._renewal
    with pytest.raises(InvalidToken, match="signature"):
        await verifier.verify(old)
    assert await verifier.verify(fake.token())


async def test_known_keys_stay_good_while_the_issuer_is_away(fake):
    verifier = fake.verifier()
    await verifier.verify(fake.token())
    fake.away = True
    fake.elapsed = 7200
    for _ in range(3):
        assert await verifier.verify(fake.token())
        await asyncio.sleep(0.01)
    assert fake.asked == 2
    fake.elapsed = 7211
    with pytest.raises(IssuerUnreachable):
        await verifier.verify(fake.token(key=new_key("two")))


async def test_nobody_is_recognised_while_no_keys_can_be_had_and_all_are_when_they_can(fake):
    verifier = fake.verifier()
    fake.away = True
    refused = await asyncio.gather(*(verifier.verify(fake.token()) for _ in range(5)), return_exceptions=True)
    assert {type(refusal) for refusal in refused} == {IssuerUnreachable}
    assert fake.asked == 1  # those who wait don't queue up for one attempt each
    fake.away = False
    fake.elapsed += 1
    assert await verifier.verify(fake.token())


async def test_a_token_without_key_id_is_good_only_while_there_is_one_key(fake):
    assert await fake.verifier().verify(fake.token(header={"kid": None}))
    fake.keys.append(new_key("two"))
    with pytest.raises(InvalidToken):
        await fake.verifier().verify(fake.token(header={"kid": None}))
