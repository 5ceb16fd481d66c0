"""Webhook secrets at rest."""

import base64
import secrets
from uuid import uuid4

import pytest

from services.notifications.endpoints.sealing import SealBroken, SecretBox, new_secret, secret_text


def a_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def test_what_is_sealed_comes_out_again_and_does_not_show():
    box, secret, row = SecretBox(a_key()), new_secret(), uuid4()
    sealed = box.seal(secret, secret_id=row)
    assert secret not in sealed
    assert box.unseal(sealed, secret_id=row) == secret
    assert box.seal(secret, secret_id=row) != sealed


def test_a_sealed_secret_moved_to_another_row_does_not_open():
    box = SecretBox(a_key())
    sealed = box.seal(new_secret(), secret_id=uuid4())
    with pytest.raises(SealBroken):
        box.unseal(sealed, secret_id=uuid4())


def test_a_changed_byte_is_noticed():
    box, row = SecretBox(a_key()), uuid4()
    sealed = bytearray(box.seal(new_secret(), secret_id=row))
    sealed[-1] ^= 1
    with pytest.raises(SealBroken):
        box.unseal(bytes(sealed), secret_id=row)


def test_the_key_can_be_changed_while_old_secrets_live():
    old_key, new_key, row = a_key(), a_key(), uuid4()
    secret = new_secret()
    sealed = SecretBox(old_key).seal(secret, secret_id=row)
    assert SecretBox(f"{new_key}, {old_key}").unseal(sealed, secret_id=row) == secret
    with pytest.raises(SealBroken):
        SecretBox(new_key).unseal(sealed, secret_id=row)
    assert SecretBox(new_key).unseal(SecretBox(f"{new_key},{old_key}").seal(secret, secret_id=row), secret_id=row)


@pytest.mark.parametrize("text", ["", "short", base64.b64encode(bytes(31)).decode(), "not base64 at all!"])
def test_a_key_of_another_form_is_refused(text):
    with pytest.raises(ValueError, match="ENLACE_WEBHOOK_SECRET_KEY"):
        SecretBox(text)


def test_a_secret_has_the_form_of_the_standard():
    text = secret_text(new_secret())
    assert text.startswith("whsec_")
    assert len(base64.b64decode(text.removeprefix("whsec_"), validate=True)) == 32
