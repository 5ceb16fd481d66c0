"""Whom a token is of: a program, or one of the people who sign in to the same client."""

from typing import Any

import pytest

from libs.chassis.principals import digest_of, is_of_person, principal_of

PAGES = frozenset({"enlace-console", "field-app"})


@pytest.mark.parametrize(
    ("claims", "person"),
    [
        ({"client_id": "enlace-console", "sub": "clerk-1"}, True),
        ({"client_id": "field-app", "sub": "field-app"}, True),
        ({"client_id": "reception-system", "sub": "reception-system"}, False),
        ({"client_id": "reception-system", "sub": "0b4a5f0e-account-of-the-client"}, False),
        ({"client_id": "forgotten-pages", "sub": "clerk-1", "auth_time": 1_700_000_000}, True),
        ({"client_id": "forgotten-pages", "sub": "clerk-1", "amr": ["pwd", "otp"]}, True),
        ({"client_id": "reception-system", "sub": "0b4a5f0e-account-of-the-client", "auth_time": 0}, False),
        ({"client_id": "reception-system", "sub": "reception-system", "auth_time": 1_700_000_000}, False),
    ],
)
def test_a_person_is_known_by_the_client_or_by_the_claims_of_a_sign_in(claims: dict[str, Any], person: bool) -> None:
    assert is_of_person(claims, PAGES) is person


def test_a_person_is_the_same_whichever_client_is_used_and_never_a_program() -> None:
    assert principal_of("enlace-console", "clerk-1", person=True) == "person:clerk-1"
    assert principal_of("field-app", "clerk-1", person=True) == "person:clerk-1"
    assert principal_of("reception-system", "any", person=False) == "reception-system"


def test_a_digest_tells_callers_apart_and_names_nobody() -> None:
    digests = {digest_of(*one) for one in (("a", "bc"), ("ab", "c"), ("abc", ""), ("a", "b"), ("a", "b" * 1_000))}
    assert len(digests) == 5
    assert {len(one) for one in digests} == {32}
