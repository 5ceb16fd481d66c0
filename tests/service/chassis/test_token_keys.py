"""Which keys verify a token: those that the issuer publishes at its own address, if they are strong; no others."""

import base64

import pytest
from joserfc.jwk import RSAKey

from libs.chassis.tokens import InvalidToken, IssuerUnreachable
from tests.service.chassis.test_tokens import ISSUER, FakeIssuer, new_key


@pytest.fixture
def fake() -> FakeIssuer:
    return FakeIssuer()


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c"])
async def test_a_token_that_brings_its_own_key_is_refused(fake, name):
    """Whatever its header says of keys: the issuer's published ones count, and no other address is asked."""
    mine = new_key("one")
    brought = {
        "jwk": mine.as_dict(private=False),
        "jku": "https://attacker.example/jwks",
        "x5u": "https://attacker.example/certificate",
        "x5c": [base64.b64encode(mine.as_pem(private=False)).decode()],
    }
    verifier = fake.verifier()
    with pytest.raises(InvalidToken, match="signature"):
        await verifier.verify(fake.token(key=mine, header={name: brought[name]}))
    assert fake.addresses == [f"{ISSUER}/jwks"]


async def test_keys_are_taken_from_the_address_itself_and_from_no_other(fake):
    """A redirect, which an open one at the issuer's host may be, leads to nobody's keys."""
    fake.leads_to = "https://attacker.example/jwks"
    with pytest.raises(IssuerUnreachable):
        await fake.verifier().verify(fake.token())
    assert fake.addresses == [f"{ISSUER}/jwks"]


@pytest.mark.filterwarnings("ignore:Key size should be")
async def test_a_key_that_can_be_broken_verifies_nothing(fake):
    """Without `_strong` the token of the short key is good."""
    short = RSAKey.generate_key(1024, {"kid": "short"})
    fake.keys.append(short)
    verifier = fake.verifier()
    with pytest.raises(InvalidToken):
        await verifier.verify(fake.token(key=short, header={"alg": "RS256"}))
    assert await verifier.verify(fake.token())
