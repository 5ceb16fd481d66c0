"""Manifests as files over HTTP: each row has a verdict, nothing is half stored, and the memory is bounded."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from services.registration.manifest_files.schemas import XLSX
from tests.service.registration.conftest import LANDED_AT
from tests.unit.registration.test_workbooks import bomb, workbook

HEADER = "sender_reference,given_names,family_names,birth_date"
GOOD = ["seat-1", "Muestra Uno", "Ejemplo", date(1990, 5, 17), "female", "GT"]


async def sent(registration: Any, body: bytes, content_type: str = XLSX) -> tuple[httpx.Response, str]:
    reference = f"flight-{uuid4()}"
    answer = await registration.client.post(
        "/v1/arrival-batches",
        content=body,
        params={
            "sender_reference": reference,
            "mode": "flight",
            "reception_place": "GT01",
            "expected_at": LANDED_AT.isoformat(),
        },
        headers=registration.headers() | {"Content-Type": content_type},
    )
    return answer, reference


async def entries_of(registration: Any, answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 201, answer.text
    return list((await registration.get(f"{answer.headers['location']}/entries")).json()["items"])


async def test_a_workbook_is_a_manifest(registration: Any):
    answer, _ = await sent(registration, workbook(GOOD, ["seat-2", "María José", "Núñez", "1991-01-02", "", ""]))
    entries = await entries_of(registration, answer)
    assert [(one["given_names"], one["birth_date"]) for one in entries] == [
        ("Muestra Uno", "1990-05-17"), ("María José", "1991-01-02"),
    ]  # fmt: skip


async def test_a_csv_in_an_older_encoding_is_read_if_its_sender_names_it(registration: Any):
    text = f"{HEADER}\nseat-1,José,Núñez,1990-05-17\n".encode("cp1252")
    answer, _ = await sent(registration, text, 'text/csv; charset="windows-1252"')
    assert (await entries_of(registration, answer))[0]["family_names"] == "Núñez"
    refused, _ = await sent(registration, text, "text/csv")
    assert (refused.status_code, refused.json()["errors"][0]["rule"]) == (422, "utf-8")


ROWS: list[tuple[list[Any], str, str]] = [
    (["seat-1", "Otra", "Ejemplo", "1990-05-17"], "/entries/1/sender_reference", "unique"),
    (["seat-2", "Muestra", "Ejemplo", "1990-02-30"], "/entries/1/birth_date", "day"),
    (["seat-2", "Muestra", "Ejemplo", "1790-02-03"], "/entries/1/birth_date", "possible-birth-date"),
    (["seat-2", "\u202e\u200f\u200b", "Ejemplo", "1990-02-03"], "/entries/1/given_names", "visible-letter"),
    (["seat-2", "Mues\ntra", "Ejemplo", "1990-02-03"], "/entries/1/given_names", "control-character"),
    (["seat-2", "=1+1", "Ejemplo", "1990-02-03"], "/entries/1/given_names", "formula"),
    (["seat-2", "", "Ejemplo", "1990-02-03"], "/entries/1/given_names", "missing"),
    (["seat 2", "Muestra", "Ejemplo", "1990-02-03"], "/entries/1/sender_reference", "string-pattern-mismatch"),
]


def as_csv(*rows: list[Any]) -> tuple[bytes, str]:
    lines = (",".join(f'"{cell}"' for cell in row) for row in rows)
    return "\n".join([HEADER, "seat-1,Muestra Uno,Ejemplo,1990-05-17", *lines, ""]).encode(), "text/csv"


def as_workbook(*rows: list[Any]) -> tuple[bytes, str]:
    return workbook(GOOD, *rows), XLSX


@pytest.mark.parametrize("form", [as_csv, as_workbook])
@pytest.mark.parametrize(("row", "pointer", "rule"), ROWS)
async def test_a_bad_row_is_named_with_line_field_and_rule_and_nothing_is_stored(
    registration: Any, form: Callable[..., tuple[bytes, str]], row: list[Any], pointer: str, rule: str
):
    answer, reference = await sent(registration, *form(row))
    assert answer.status_code == 422, answer.text
    errors = {(error["pointer"], error["rule"]): error["detail"] for error in answer.json()["errors"]}
    assert (pointer, rule) in errors, errors
    assert "Line 3" in errors[pointer, rule] or "\n" in row[1]
    assert not any(name in answer.text for name in ("Muestra", "Otra", "Ejemplo"))
    batches = (await registration.get("/v1/arrival-batches?limit=200")).json()["items"]
    assert reference not in [one["sender_reference"] for one in batches]


@pytest.mark.parametrize("form", [as_csv, as_workbook])
async def test_each_bad_row_of_a_file_is_named_at_once_whatever_its_fault_and_no_good_one(
    registration: Any, form: Callable[..., tuple[bytes, str]]
):
    """Seen to fail when rows with a formula hid the faults of the others."""
    answer, _ = await sent(registration, *form(*(row for row, _, _ in ROWS)))
    named = {(error["pointer"], error["rule"]) for error in answer.json()["errors"]}
    expected = {(pointer.replace("/1/", f"/{place}/"), rule) for place, (_, pointer, rule) in enumerate(ROWS, start=1)}
    repeated = {(f"/entries/{place}/sender_reference", "unique") for place in range(3, len(ROWS))}
    assert named == expected | repeated
    rows = {(one["line"], one["field"], one["rule"]) for one in answer.json()["refused_rows"]}
    places = {(int(pointer.split("/")[2]), pointer.split("/")[3], rule) for pointer, rule in expected | repeated}
    longer = 1 if form is as_csv else 0  # in CSV the name with a line end takes two lines
    assert rows == {(place + 2 + (longer if place > 5 else 0), field, rule) for place, field, rule in places}


@pytest.mark.parametrize("form", [as_csv, as_workbook])
async def test_of_a_thousand_rows_each_has_a_verdict(registration: Any, form: Callable[..., tuple[bytes, str]]):
    """Seen to fail without `refused_rows`: a refusal lists 50 faults."""
    bad = {place: "1990-02-30" if place % 3 == 0 else "1990-02-03" for place in range(1, 1000)}
    answer, _ = await sent(
        registration, *form(*([f"r-{place}", "Muestra", "Ejemplo", day] for place, day in bad.items()))
    )
    problem = answer.json()
    assert (answer.status_code, len(problem["errors"]), problem["rows_count"]) == (422, 50, 1000)
    assert [(one["line"], one["field"], one["rule"]) for one in problem["refused_rows"]] == [
        (place + 2, "birth_date", "day") for place, day in bad.items() if day == "1990-02-30"
    ]


async def test_invisible_characters_between_letters_are_left_out(registration: Any):
    answer, _ = await sent(registration, workbook(["seat-1", "Mues\u202etra\u200f", "\ufeffEjemplo"]))
    (entry,) = await entries_of(registration, answer)
    assert (entry["given_names"], entry["family_names"]) == ("Muestra", "Ejemplo")


@pytest.mark.parametrize(
    ("body", "rule"), [(bomb(50_000_000), "unpacked-size"), (b"PK\x03\x04 no archive", "xlsx"), (b"", "xlsx")]
)
async def test_what_is_no_workbook_is_refused_with_its_rule(registration: Any, body: bytes, rule: str):
    answer, _ = await sent(registration, body)
    assert (answer.status_code, [one["rule"] for one in answer.json()["errors"]]) == (422, [rule])


async def test_200_megabytes_are_refused_with_the_limit_before_they_are_read(registration: Any):
    address = urlsplit(str(registration.client.base_url))
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    headers = registration.headers() | {
        "Host": address.netloc, "Content-Type": "text/csv", "Content-Length": "200000000",
    }  # fmt: skip
    lines = [b"POST /v1/arrival-batches HTTP/1.1", *(f"{name}: {value}".encode() for name, value in headers.items())]
    writer.write(b"\r\n".join([*lines, b"", b""]))  # not one byte of the body is sent
    head = await reader.readuntil(b"\r\n\r\n")
    assert b" 413 " in head.splitlines()[0]
    length = next(int(line.split(b":")[1]) for line in head.splitlines() if line.lower().startswith(b"content-length"))
    problem = json.loads(await reader.readexactly(length))
    assert (problem["code"], problem["limit_bytes"]) == ("body-too-large", 2_000_000)
    writer.close()


async def test_a_hundred_thousand_rows_are_refused_as_a_whole_with_the_limit(registration: Any):
    body = (f"{HEADER}\n" + "1,A,B,\n" * 100_000).encode()
    answer, reference = await sent(registration, body, "text/csv")
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["pointer"], error["rule"]) == (422, "/entries", "too-long")
    assert "1000" in error["detail"]
    batches = (await registration.get("/v1/arrival-batches?limit=200")).json()["items"]
    assert reference not in [one["sender_reference"] for one in batches]
