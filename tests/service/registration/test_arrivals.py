"""Flights and buses: announced, landed, and their people, in any order and by either way in."""

import itertools
from uuid import uuid4

import pytest

from libs.events.catalogue.arrivals import ArrivalBatchAnnounced, ArrivalBatchLanded, ReturneeArrived
from services.registration.arrivals.tables import reference_key
from tests.service.registration.conftest import LANDED_AT, a_returnee, an_announcement

CSV = "sender_reference,given_names,family_names,birth_date,sex,nationality"


def params(**changes):
    fields = {
        "sender_reference": f"csv-{uuid4()}",
        "mode": "flight",
        "reception_place": "GT01",
        "expected_at": LANDED_AT.isoformat(),
    }
    return fields | changes


async def post_csv(registration, text, **changes):
    body = text if isinstance(text, bytes) else text.encode()
    headers = registration.headers() | {"Content-Type": "text/csv; charset=utf-8"}
    return await registration.client.post(
        "/v1/arrival-batches", params=params(**changes), content=body, headers=headers
    )


async def test_a_flight_is_announced_landed_registered_and_complete_by_itself(registration):
    batch = await registration.announce(3)
    assert (batch["status"], batch["entries_count"], batch["open_count"]) == ("announced", 3, 3)
    path = f"/v1/arrival-batches/{batch['id']}"
    landed = await registration.post(f"{path}/land", {"people_count": 2})
    assert landed.json()["status"] == "landed"
    for seat in ("seat-0", "seat-1"):
        await registration.register(arrival_batch_id=batch["id"], manifest_reference=seat, needs=[{"category": "food"}])
    view = (await registration.get(path)).json()
    assert (view["status"], view["registered_count"], view["open_count"]) == ("intake_completed", 2, 1)
    (completed,) = await registration.events("arrival-batch.intake-completed.v1")
    assert (completed["returnee_count"], completed["need_count"]) == (2, 2)
    again = await registration.post(f"{path}/complete-intake")
    assert (again.status_code, again.json()["status"]) == (200, "intake_completed")
    assert len(await registration.events("arrival-batch.intake-completed.v1")) == 1


async def test_intake_is_complete_when_everybody_is_registered_or_absent(registration):
    batch = await registration.announce(2)
    path = f"/v1/arrival-batches/{batch['id']}"
    early = await registration.post(f"{path}/complete-intake")
    assert (early.status_code, early.json()["code"]) == (409, "arrival-batch-not-landed")
    await registration.post(f"{path}/land", {"people_count": 2})
    await registration.register(arrival_batch_id=batch["id"], manifest_reference="seat-0")
    early = await registration.post(f"{path}/complete-intake")
    assert (early.status_code, early.json()["code"]) == (409, "intake-incomplete")
    assert (early.json()["open_count"], early.json()["registered_count"]) == (1, 1)
    entries = (await registration.get(f"{path}/entries")).json()["items"]
    assert [entry["status"] for entry in entries] == ["registered", "expected"]
    assert entries[0]["given_names"] is None, "a registered person's names are kept under their own key only"
    taken = await registration.post(f"{path}/entries/{entries[0]['id']}/absent")
    assert (taken.status_code, taken.json()["code"]) == (409, "entry-already-registered")
    absent = await registration.post(f"{path}/entries/{entries[1]['id']}/absent")
    assert absent.json()["status"] == "intake_completed"


async def test_an_unannounced_person_of_a_landed_bus_without_manifest_waits_for_the_others(registration):
    batch = await registration.announce(0, mode="bus", reception_place="GT12")
    path = f"/v1/arrival-batches/{batch['id']}"
    await registration.post(f"{path}/land", {"people_count": 2})
    await registration.register(arrival_batch_id=batch["id"])
    assert (await registration.get(path)).json()["status"] == "landed"
    await registration.register(arrival_batch_id=batch["id"])
    assert (await registration.get(path)).json()["status"] == "intake_completed"


@pytest.mark.parametrize("order", list(itertools.permutations(("announced", "landed", "arrived"))))
async def test_events_of_a_batch_may_come_in_any_order(registration, order):
    source, reference = f"urn:reception:{uuid4()}", "bus-1"
    told = {
        "announced": ArrivalBatchAnnounced.model_validate(
            an_announcement(1, sender_reference=reference, mode="bus", reception_place="GT12")
        ),
        "landed": ArrivalBatchLanded(
            sender_reference=reference, mode="bus", reception_place="GT12", landed_at=LANDED_AT, people_count=1
        ),
        "arrived": ReturneeArrived.model_validate(
            a_returnee(
                sender_reference="person-1",
                batch_reference=reference,
                manifest_reference="seat-0",
                needs=[{"category": "shelter"}],
            )
        ),
    }
    for name in order:
        await registration.hear(told[name], source=source)
    for name in order:  # told again, nothing doubles
        await registration.hear(told[name], source=source)
    row = (await registration.fetch("SELECT * FROM arrival_batch WHERE source = $1", source))[0]
    assert (row["status"], row["registered_count"], row["people_count"]) == ("intake_completed", 1, 1)
    (entry,) = await registration.fetch("SELECT * FROM manifest_entry WHERE arrival_batch_id = $1", row["id"])
    assert (entry["status"], entry["given_names_sealed"]) == ("registered", None)
    (person,) = await registration.fetch("SELECT * FROM returnee WHERE arrival_batch_id = $1", row["id"])
    assert person["reception_place"] == "GT12"
    profiles = [
        event
        for event in await registration.events("returnee.registered.v1", "returnee.changed.v1")
        if event["returnee_id"] == str(person["id"])
    ]
    assert profiles[-1]["reception_place"] == "GT12", "the place is told, when it becomes known"
    assert len(await registration.events("need.reported.v1")) == 1
    assert len(await registration.events("arrival-batch.landed.v1")) == 1
    assert len(await registration.events("arrival-batch.intake-completed.v1")) == 1


async def test_a_manifest_may_come_as_csv_as_spreadsheets_write_it(registration):
    text = (
        "﻿sender_reference;Given_Names;family_names;birth_date;sex;nationality\r\n"
        '1;"Muestra; Ana";Núñez;1990-05-17;female;GT\r\n;;;;;\r\n2;Muestra Bo;Ejemplo;;;\r\n'
    )
    answer = await post_csv(registration, text)
    assert answer.status_code == 201, answer.text
    entries = (await registration.get(f"/v1/arrival-batches/{answer.json()['id']}/entries")).json()["items"]
    assert [(entry["given_names"], entry["birth_date"], entry["sex"]) for entry in entries] == [
        ("Muestra; Ana", "1990-05-17", "female"),
        ("Muestra Bo", None, "unknown"),
    ]


async def test_every_bad_row_is_named_and_nothing_is_stored(registration):
    text = f"{CSV}\n1,Ana,Muestra,17/05/1990,female,GT\n2,,Muestra,,mujer,gt\n3,Eva,Muestra,,,GT\n"
    reference = f"csv-{uuid4()}"
    answer = await post_csv(registration, text, sender_reference=reference)
    assert answer.status_code == 422
    errors = {error["pointer"]: error for error in answer.json()["errors"]}
    assert set(errors) == {
        "/entries/0/birth_date",
        "/entries/1/given_names",
        "/entries/1/sex",
        "/entries/1/nationality",
    }
    assert errors["/entries/1/sex"]["detail"].startswith("Line 3: ")
    assert "mujer" not in answer.text
    key = reference_key(registration.vault.master, "client:reception-system", reference)
    assert await registration.fetch("SELECT 1 FROM arrival_batch WHERE reference_key = $1", key) == []


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (f"{CSV}\n1,=HYPERLINK(0),Muestra,,,\n", "formula"),
        (f"{CSV}\n1,Ana,Muestra,,\n", "cells"),
        ("given_names,family_names\nAna,Muestra\n", "column-missing"),
        (f"{CSV},phone\n1,Ana,Muestra,,,,1\n", "column-unknown"),
        (f"{CSV}\n1,Ana,{'x' * 300},,,\n", "too-long"),
        (f"{CSV}\n" + "".join(f"{n},Ana,Muestra,,,\n" for n in range(1001)), "too-long"),
        (f"{CSV}\n1,Ana,Muestra,,,\n1,Eva,Muestra,,,\n", "unique"),
        (f'{CSV}\n1,"Ana,Muestra,,,\n', "csv"),
        (f"{CSV}\n1,Núñez,Muestra,,,\n".encode("latin-1"), "utf-8"),
        ("", "column-missing"),
    ],
)
async def test_what_is_no_manifest_is_refused_with_its_rule(registration, text, rule):
    answer = await post_csv(registration, text)
    assert answer.status_code == 422, answer.text
    assert rule in {error["rule"] for error in answer.json()["errors"]}


async def test_a_parameter_of_a_csv_that_is_missing_is_named(registration):
    answer = await post_csv(registration, f"{CSV}\n1,Ana,Muestra,,,\n", mode=None)
    assert [error["pointer"] for error in answer.json()["errors"]] == ["mode"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"reception_place": "GT99"}, "/reception_place"),
        ({"mode": "bus", "reception_place": "GT1217", "sender_reference": ""}, "/sender_reference"),
        ({"mode": "flight", "reception_place": "GT12"}, "/reception_place"),
        ({"surprise": 1}, "/surprise"),
    ],
)
async def test_a_bad_announcement_names_its_field(registration, changes, pointer):
    answer = await registration.post("/v1/arrival-batches", an_announcement(**changes))
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_another_kind_of_body_is_refused(registration):
    headers = registration.headers() | {"Content-Type": "application/xml"}
    answer = await registration.client.post("/v1/arrival-batches", content=b"<a/>", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "media-type-unknown")
    headers = registration.headers() | {"Content-Type": "application/json"}
    answer = await registration.client.post("/v1/arrival-batches", content=b"{", headers=headers)
    assert answer.status_code == 422


async def test_a_manifest_told_again_replaces_what_it_said(registration):
    body = an_announcement(1)
    first = (await registration.post("/v1/arrival-batches", body)).json()
    body["entries"][0]["family_names"] = "Ejemplo Corregido"
    body["entries"].append({"sender_reference": "seat-9", "given_names": "Muestra", "family_names": "Nueva"})
    again = (await registration.post("/v1/arrival-batches", body)).json()
    assert (again["id"], again["entries_count"]) == (first["id"], 2)
    entries = (await registration.get(f"/v1/arrival-batches/{first['id']}/entries")).json()["items"]
    assert [entry["family_names"] for entry in entries] == ["Ejemplo Corregido", "Nueva"]


async def test_many_arrivals_of_one_batch_of_events_are_one_statement_each(registration):
    source = f"urn:reception:{uuid4()}"
    people = [
        ReturneeArrived.model_validate(
            a_returnee(
                sender_reference=f"p-{n}",
                batch_reference="bus-2",
                household_reference=f"h-{n // 2}",
                needs=[{"category": "food"}, {"category": "shelter"}],
            )
        )
        for n in range(60)
    ]
    await registration.hear_at_once([*people, *people[:10]], source=source)
    assert len(await registration.events("returnee.registered.v1")) == 60
    assert len(await registration.events("need.reported.v1")) == 120
    assert len(await registration.events("household.changed.v1")) == 30
    codes = {event["case_code"] for event in await registration.events("returnee.registered.v1")}
    assert len(codes) == 60


async def test_another_organisations_flight_does_not_exist(registration):
    batch = await registration.post("/v1/arrival-batches", an_announcement(), organization_id=uuid4())
    path = f"/v1/arrival-batches/{batch.json()['id']}"
    for other in (f"{path}", f"{path}/entries"):
        assert (await registration.get(other, organization_id=uuid4())).status_code == 404
    for step in ("land", "complete-intake"):
        answer = await registration.post(f"{path}/{step}", {"people_count": 1}, organization_id=uuid4())
        assert answer.status_code == 404, step
    assert (await registration.get(path)).status_code == 200, "the network's reception sees it"
