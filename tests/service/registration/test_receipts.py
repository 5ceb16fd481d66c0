"""The receipt of a consent: in plain words, in the person's language if it exists, and safe to be found by others."""

import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from libs.events.codes import ConsentPurpose, RecipientClass
from services.registration.consent.rules.consents import ConsentMethod, GivenBy
from services.registration.receipts.rules import _WORDS, OF_SPEAKERS, ReceiptLanguage
from tests.service.registration.conftest import a_consent

NASTY = '<script>alert(1)</script> "quoted" & \u202eback\u202c <b>bold</b>'
ELEMENTS = ["subject", "purpose", "recipients", "data", "discloser", "given_by", "date", "expiry", "withdrawal"]


async def a_consenting(registration, spoken=("spa",), **changes):
    person = await registration.register(
        profile={"nationality": "GT", "identity_document": "lost_on_route", "languages": list(spoken)}
    )
    given = await registration.post(f"/v1/returnees/{person['id']}/consents", a_consent(**changes))
    assert given.status_code == 201, given.text
    return person, given.json(), f"/v1/returnees/{person['id']}/consents/{given.json()['id']}"


async def test_a_receipt_is_a_page_that_holds_the_nine_elements_and_how_to_withdraw(registration):
    ends = datetime(datetime.now(UTC).year + 1, 3, 2, 18, tzinfo=UTC)
    person, _, path = await a_consenting(registration, expires_at=ends.isoformat())
    page = await registration.get(f"{path}/receipt")
    assert page.status_code == 200, page.text
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Cache-Control"] == "no-store"
    assert "script-src" not in page.headers["Content-Security-Policy"]
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert 'lang="es"' in page.text
    for part in (
        person["case_code"],
        "Para encontrarle ayuda",
        "La organización que acepte ayudarle",
        "My name and how to reach me (sample)",
        "reception-system",
        "Usted, con firma",
        "desk-3",
        f"2 de marzo de {ends.year}",
        "retiro mi permiso",
    ):
        assert part in page.text, part
    told = (await registration.get(f"{path}/receipt?form=json")).json()
    assert [one["element"] for one in told["lines"]] == [*ELEMENTS, "state"]
    assert (told["language"], told["is_persons_language"], told["notice"]) == ("es", True, "")


async def test_a_receipt_of_a_spoken_consent_names_the_witness_by_reference(registration):
    _, _, path = await a_consenting(registration, method="voice", witness_reference="desk-77", given_by="guardian")
    page = (await registration.get(f"{path}/receipt")).text
    assert "ante desk-3; testigo: desk-77" in page
    assert "La madre, el padre o quien tiene la tutela, de palabra" in page


async def test_a_receipt_does_not_name_the_person(registration):
    _, _, path = await a_consenting(registration)
    page = (await registration.get(f"{path}/receipt")).text
    assert "Muestra" not in page
    assert "Ejemplo" not in page


async def test_nothing_in_a_receipt_is_read_as_a_part_of_the_page(registration):
    _, _, path = await a_consenting(registration, data_described=NASTY)
    page = (await registration.get(f"{path}/receipt")).text
    assert "<script" not in page
    assert "<b>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &quot;quoted&quot; &amp;" in page
    assert re.search("<bdi>&lt;script[^<]*</bdi>", page), "a mark of direction has no effect outside its element"


@pytest.mark.parametrize(
    ("spoken", "explained_in", "language", "theirs"),
    [
        (["eng"], "spa", "en", True),
        (["quc", "eng"], "spa", "en", True),
        (["quc"], "spa", "es", True),
        (["quc"], "quc", "es", False),
    ],
)
async def test_a_receipt_is_in_a_language_of_the_person_or_says_that_it_is_not(
    registration, spoken, explained_in, language, theirs
):
    _, _, path = await a_consenting(registration, spoken=spoken, language=explained_in)
    told = (await registration.get(f"{path}/receipt?form=json")).json()
    assert (told["language"], told["is_persons_language"], bool(told["notice"])) == (language, theirs, not theirs)
    page = (await registration.get(f"{path}/receipt")).text
    assert ("todavía no existe en el idioma" in page) is not theirs


async def test_a_clerk_may_ask_for_a_language_and_an_unknown_one_is_refused(registration):
    _, _, path = await a_consenting(registration)
    assert "Receipt for your permission" in (await registration.get(f"{path}/receipt?language=en")).text
    unknown = await registration.get(f"{path}/receipt?language=fr")
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "language")


async def test_a_receipt_says_how_the_consent_stands(registration):
    _, _, path = await a_consenting(registration)
    assert "<bdi>Vale.</bdi>" in (await registration.get(f"{path}/receipt")).text
    await registration.post(f"{path}/withdraw")
    assert "Retirado el" in (await registration.get(f"{path}/receipt")).text
    past = datetime.now(UTC) - timedelta(days=9)
    expired = {"given_at": past.isoformat(), "expires_at": (past + timedelta(days=1)).isoformat()}
    _, _, path = await a_consenting(registration, **expired)
    assert "Ya no vale." in (await registration.get(f"{path}/receipt")).text


async def test_each_look_at_a_receipt_is_recorded(registration):
    person, _, path = await a_consenting(registration)
    await registration.get(f"{path}/receipt")
    log = (await registration.get(f"/v1/returnees/{person['id']}/access-log")).json()["items"]
    assert (log[0]["action"], log[0]["purpose"]) == ("consent.receipt", "request_of_person")


async def test_nobody_else_gets_the_receipt(registration):
    person, consent, path = await a_consenting(registration)
    other, _, _ = await a_consenting(registration)
    foreign = f"/v1/returnees/{other['id']}/consents/{consent['id']}/receipt"
    assert (await registration.get(foreign)).status_code == 404, "another person's consent"
    elsewhere = {"client_id": "another-reception", "reception_places": ["HN"], "staff": False}
    assert (await registration.get(f"{path}/receipt", **elsewhere)).status_code == 404
    unscoped = await registration.get(f"{path}/receipt", scopes="packets:read", organization_id=uuid4())
    assert unscoped.status_code == 403
    await registration.post(f"/v1/returnees/{person['id']}/erasure")
    assert (await registration.get(f"{path}/receipt")).status_code == 410


def test_every_code_of_a_consent_has_words_in_every_language():
    codes = [
        *(f"purpose.{one}" for one in ConsentPurpose),
        *(f"recipients.{one}" for one in RecipientClass),
        *(f"given_by.{one}" for one in GivenBy),
        *(f"method.{one}" for one in ConsentMethod),
        *(f"label.{one}" for one in (*ELEMENTS, "state")),
    ]
    for language in ReceiptLanguage:
        assert set(codes) <= _WORDS[language].keys(), language
    assert _WORDS[ReceiptLanguage.ES].keys() == _WORDS[ReceiptLanguage.EN].keys()
    assert set(OF_SPEAKERS.values()) == set(ReceiptLanguage)
