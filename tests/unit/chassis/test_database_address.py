"""Databases and the issuer's keys on other machines are reached over lines that prove themselves, or not at all."""

import pytest
from pydantic import ValidationError

from libs.wire.database_lines import is_reached_safely
from services.registration.settings import Settings

HIDDEN = "not-to-be-told"
HERE = f"postgresql://enlace:{HIDDEN}@127.0.0.1:5432/registration"
ELSEWHERE = f"postgresql://enlace:{HIDDEN}@db.example/registration"


@pytest.mark.parametrize(
    "url",
    [
        HERE,
        "postgresql://enlace@localhost/registration",
        "postgresql://enlace@[::1]:5432/registration",
        "postgresql:///registration?host=/var/run/postgresql",
        f"{ELSEWHERE}?sslmode=verify-full",
        "postgresql://enlace@10.0.0.3,db.example:5433/registration?sslmode=verify-full&sslrootcert=/ca.pem",
    ],
)
def test_what_stays_here_or_proves_itself_is_safe(url: str):
    assert is_reached_safely(url)


@pytest.mark.parametrize(
    "url",
    [
        ELSEWHERE,
        f"{ELSEWHERE}?sslmode=prefer",
        f"{ELSEWHERE}?sslmode=require",
        f"{ELSEWHERE}?sslmode=verify-ca",
        f"{ELSEWHERE}?sslmode=verify-full&sslmode=disable",
        "postgresql://enlace@127.0.0.1,db.example/registration",
        "postgresql://enlace@[2001:db8::1]/registration",
        "postgresql:///registration?host=db.example",
        f"postgresql://127.0.0.1:{HIDDEN}@db.example/registration",
        "postgresql://enlace@10.0.0.3/registration",
    ],
)
def test_what_somebody_on_the_way_may_read_or_answer_is_not(url: str):
    assert not is_reached_safely(url)


def settings(**changes: str) -> Settings:
    return Settings.model_validate(
        {
            "database_url": HERE,
            "keys_database_url": HERE,
            "kafka_bootstrap_servers": "127.0.0.1:9",
            "token_issuer": "https://issuer.example",
            "token_jwks_url": "https://issuer.example/jwks",
            "fingerprint_key": "a-key-for-tests-alone",
            "vault_key": "A" * 43 + "=",
            "pack": "deploy/packs/guatemala",
            **changes,
        }
    )


@pytest.mark.parametrize("variable", ["database_url", "keys_database_url"])
def test_a_service_does_not_start_with_a_line_that_others_can_read(variable: str):
    """Each database of registration by itself; without `_tells_nobody_on_the_way` both pass."""
    assert settings()
    with pytest.raises(ValidationError, match="sslmode=verify-full") as refused:
        settings(**{variable: ELSEWHERE})
    assert HIDDEN not in str(refused.value)
    assert settings(**{variable: ELSEWHERE}, database_tls="off")
    assert settings(**{variable: f"{ELSEWHERE}?sslmode=verify-full"})


@pytest.mark.parametrize(
    "address", ["http://issuer.example/jwks", "http://10.0.0.7/jwks", "file:///etc/keys", "http:/jwks"]
)
def test_a_service_takes_no_keys_that_somebody_on_the_way_could_have_changed(address: str):
    """Whose keys these are makes any token. Without `_believes_nobodys_keys_on_the_way` all pass."""
    with pytest.raises(ValidationError, match="https"):
        settings(token_jwks_url=address)


def test_keys_of_an_issuer_on_this_machine_or_a_network_of_ones_own_may_come_as_they_are():
    assert settings(token_jwks_url="http://127.0.0.1:8100/jwks")
    assert settings(token_jwks_url="http://issuer:8000/jwks", issuer_tls="off")
    with pytest.raises(ValidationError, match="https"):
        settings(token_jwks_url="file:///etc/keys", issuer_tls="off")
