"""The grant of a packet: who may use which data, for what, until when, and whether that still holds."""

import asyncio
import base64
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from joserfc import jws, jwt
from joserfc.jwk import KeySet, OKPKey

from libs.chassis.secret_files import SettingRefused
from libs.chassis.signed_claims import ClaimKeys
from libs.events.catalogue.directory import OrganizationPublished
from libs.events.catalogue.referral import ReferralCancelled
from services.registration import app
from services.registration.vault.sealing import MasterKey, successor
from tests.service.registration.conftest import KEY, a_consent
from tests.service.registration.test_packets import IDENTITY, a_person, accepted, facts, fetch

EXAMPLE = Path(__file__).resolve().parents[3] / "docs" / "examples" / "verify_grant.py"
ED25519 = jws.JWSRegistry(algorithms=["Ed25519"])


def claims_of(packet):
    """What anybody reads in a grant, without a key."""
    part = packet["grant"].split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


async def check(registration, grant, organization_id, **claims):
    whose = {"scopes": "packets:read", "client_id": "a-provider", "organization_id": organization_id} | claims
    return await registration.post("/v1/grants/check", {"grant": grant}, **whose)


async def a_packet(registration, person=None, of=None, **changes):
    """A person, an accepted offer, and the packet."""
    known = facts(person or await a_person(registration), **changes)
    await registration.hear(accepted(known, **(of or {})))
    answer = await fetch(registration, known)
    assert answer.status_code == 200, answer.text
    return known, answer.json()


async def test_a_packet_carries_a_grant_that_says_for_whom_for_what_and_until_when(registration):
    person = await a_person(registration)
    known, packet = await a_packet(registration, person)
    mine = {"scopes": "packets:read", "organization_id": known["organization_id"]}
    published = (await registration.get("/v1/grants/keys", **mine)).json()
    read = jwt.decode(packet["grant"], KeySet.import_key_set(published), registry=ED25519)
    (consent,) = (await registration.get(f"/v1/returnees/{person['id']}/consents")).json()
    assert read.header == {"alg": "Ed25519", "typ": "grant+jwt", "kid": published["keys"][0]["kid"]}
    lifetime = read.claims.pop("exp") - read.claims.pop("iat")
    assert UUID(read.claims.pop("jti"))
    assert lifetime == pytest.approx(timedelta(days=registration.pack.packets.grant_days).total_seconds(), abs=1)
    assert read.claims == {
        "iss": "urn:enlace:registration",
        "aud": str(known["organization_id"]),
        "sub": person["case_code"],
        "offer_id": str(known["offer_id"]),
        "legal_ground": "consent",
        "purposes": ["referral"],
        "recipient_classes": ["providers"],
        "category": "health",
        "service_type": "hospital_care",
        "fields": packet["fields"],
        "consents": [{"id": consent["id"], "version": 1}],
    }
    assert not any("d" in key for key in published["keys"]), "a private key is nobody's"


async def test_a_grant_holds_nobodys_identity(registration):
    _, packet = await a_packet(registration)
    text = json.dumps(claims_of(packet))
    assert not [value for value in (*IDENTITY.values(), "50251234567") if value in text]


async def test_a_grant_of_a_restricted_need_does_not_say_which_need(registration):
    restricted = sorted(registration.pack.routing.restricted)[0]
    known = facts(await a_person(registration), category=restricted)
    await registration.hear(accepted(known, service_type="a_service"))
    whose = {"client_id": "a-provider", "organization_id": known["organization_id"]}
    path = f"/v1/packets/{known['offer_id']}"
    packet = (await registration.get(path, scopes="packets:read restricted:read", **whose)).json()
    assert packet["category"] == restricted
    assert {"category", "service_type"}.isdisjoint(claims_of(packet))
    blind = await check(registration, packet["grant"], known["organization_id"])
    assert blind.status_code == 404, "without restricted:read there is no such packet, so there is no such grant"
    scopes = "packets:read restricted:read"
    assert (await check(registration, packet["grant"], known["organization_id"], scopes=scopes)).json()["valid"]


async def test_a_grant_ends_with_the_consent_if_that_is_first(registration):
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    person = await registration.register(identity=IDENTITY, consents=[a_consent(expires_at=ends.isoformat())])
    _, packet = await a_packet(registration, person)
    assert claims_of(packet)["exp"] == int(ends.timestamp())


async def test_a_valid_grant_is_said_to_be_valid_and_the_check_is_recorded(registration):
    known, packet = await a_packet(registration)
    answer = await check(registration, packet["grant"], known["organization_id"])
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    told = answer.json()
    assert (told["valid"], told["reason"], told["offer_id"]) == (True, None, str(known["offer_id"]))
    assert datetime.fromisoformat(told["expires_at"]).timestamp() == claims_of(packet)["exp"]
    log = (await registration.get(f"/v1/returnees/{known['returnee_id']}/access-log")).json()["items"]
    assert (log[0]["action"], log[0]["client_id"]) == ("grant.check", "a-provider")


async def reason(registration, known, packet):
    answer = await check(registration, packet["grant"], known["organization_id"])
    assert answer.status_code == 200, answer.text
    assert answer.json()["valid"] is (answer.json()["reason"] is None)
    return answer.json()["reason"]


async def test_a_withdrawn_consent_ends_the_grant_and_a_new_consent_does_not_revive_it(registration):
    person = await a_person(registration)
    known, packet = await a_packet(registration, person)
    path = f"/v1/returnees/{person['id']}/consents"
    (consent,) = (await registration.get(path)).json()
    await registration.post(f"{path}/{consent['id']}/withdraw")
    assert await reason(registration, known, packet) == "consent_ended"
    await registration.post(path, a_consent())
    assert await reason(registration, known, packet) == "consent_ended"
    assert await reason(registration, known, (await fetch(registration, known)).json()) is None


async def test_a_closed_packet_ends_the_grant(registration):
    known, packet = await a_packet(registration)
    await registration.hear(ReferralCancelled(**known, reason="by_returnee"))
    assert await reason(registration, known, packet) == "packet_closed"


async def test_a_suspended_organisation_holds_no_valid_grant(registration):
    known, packet = await a_packet(registration)
    await registration.hear(
        OrganizationPublished(
            organization_id=known["organization_id"],
            version=2**40,
            status="suspended",
            accreditations=[],
            agreements=[],
        )
    )
    assert await reason(registration, known, packet) == "halted"


async def test_the_grant_of_an_erased_person_is_invalid(registration):
    known, packet = await a_packet(registration)
    erased = await registration.post(f"/v1/returnees/{known['returnee_id']}/erasure")
    assert erased.status_code < 300, erased.text
    assert await reason(registration, known, packet) == "erased"


async def test_a_member_of_the_household_who_withdraws_ends_the_grant(registration):
    told = {"household_reference": f"family/{uuid4()}", "household_size": 2}
    members = [await a_person(registration, **told), await a_person(registration, **told)]
    known, packet = await a_packet(registration, members[0], category="shelter", of={"people_count": 2})
    assert len(claims_of(packet)["consents"]) == 2, packet
    assert await reason(registration, known, packet) is None
    path = f"/v1/returnees/{members[1]['id']}/consents"
    (consent,) = (await registration.get(path)).json()
    await registration.post(f"{path}/{consent['id']}/withdraw")
    assert await reason(registration, known, packet) == "consent_ended"


async def test_a_grant_that_has_expired_is_invalid(registration):
    known, packet = await a_packet(registration)
    keys = app.grant_keys_of(registration.settings, registration.vault)
    old = keys.sign(claims_of(packet) | {"exp": int(datetime.now(UTC).timestamp()) - 1}, typ="grant+jwt")
    assert await reason(registration, known, {"grant": old}) == "expired"


async def test_another_organisations_grant_does_not_exist(registration):
    _, packet = await a_packet(registration)
    assert (await check(registration, packet["grant"], uuid4())).status_code == 404


@pytest.mark.parametrize("kind", ["foreign key", "no signature", "other type", "other form", "text", "words"])
async def test_what_registration_has_not_signed_is_no_grant(registration, kind):
    known, packet = await a_packet(registration)
    keys = app.grant_keys_of(registration.settings, registration.vault)
    claims = claims_of(packet)
    forged = {
        "foreign key": ClaimKeys([bytes(32)]).sign(claims, typ="grant+jwt"),
        "no signature": packet["grant"].rsplit(".", 1)[0] + ".",
        "other type": keys.sign(claims, typ="at+jwt"),
        "other form": keys.sign(claims | {"consents": "none"}, typ="grant+jwt"),
        "text": "not a token",
        "words": "ñ.ñ.ñ",
    }[kind]
    answer = await check(registration, forged, known["organization_id"])
    assert answer.status_code == 422
    assert [(one["pointer"], one["rule"]) for one in answer.json()["errors"]] == [("/grant", "signed-grant")]


async def test_a_key_is_changed_without_an_interruption(registration, tmp_path):
    """The order of the page of operations: publish the new key, sign with it, remove the old one."""
    old, new = base64.b64encode(bytes(range(32))).decode(), base64.b64encode(bytes(range(1, 33))).decode()

    def keys(*lines):
        file = tmp_path / "grant-keys"
        file.write_text("\n".join(lines))
        file.chmod(0o600)
        settings = registration.settings.model_copy(update={"grant_key_file": file})
        return app.grant_keys_of(settings, registration.vault)

    before, announced, changed, after = keys(old), keys(old, new), keys(new, old), keys(new)
    by_old, by_new = (one.sign({"n": 1}, typ="grant+jwt") for one in (announced, changed))
    for one in (before, announced, changed):
        assert one.read(by_old, typ="grant+jwt") == {"n": 1}
    for one in (announced, changed, after):
        assert one.read(by_new, typ="grant+jwt") == {"n": 1}
    assert [len(one.published()) for one in (before, announced, changed, after)] == [1, 2, 2, 1]
    with pytest.raises(SettingRefused, match="ENLACE_GRANT_KEY_FILE"):
        keys(old, "not a key")


async def test_the_key_of_grants_stays_when_the_key_of_the_vault_changes(registration):
    first = MasterKey.from_base64(KEY)
    assert MasterKey.from_base64(successor(KEY)).grants == first.grants
    assert OKPKey.import_key(ClaimKeys([first.grants]).published()[0]).thumbprint()


@pytest.mark.parametrize(
    ("changed", "answer"),
    [("nothing", "valid for referral"), ("audience", "refused"), ("signature", "refused"), ("time", "refused")],
)
async def test_the_example_for_partners_verifies_a_grant(registration, tmp_path, changed, answer):
    known, packet = await a_packet(registration)
    mine = {"scopes": "packets:read", "organization_id": known["organization_id"]}
    (tmp_path / "keys.json").write_text((await registration.get("/v1/grants/keys", **mine)).text)
    grant, organization = packet["grant"], str(known["organization_id"])
    if changed == "time":
        keys = app.grant_keys_of(registration.settings, registration.vault)
        grant = keys.sign(claims_of(packet) | {"exp": 1}, typ="grant+jwt")
    if changed == "signature":
        grant = ClaimKeys([bytes(32)]).sign(claims_of(packet), typ="grant+jwt")
    if changed == "audience":
        organization = str(uuid4())
    command = [sys.executable, EXAMPLE, tmp_path / "keys.json", organization]
    said = await asyncio.to_thread(subprocess.run, command, input=grant, text=True, capture_output=True, check=False)
    assert (answer in said.stdout, said.returncode) == (True, 0 if changed == "nothing" else 1), said
