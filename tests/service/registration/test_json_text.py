"""JSON is read alike at every route: a byte order mark is dropped, what two readers take in two ways is refused."""

from __future__ import annotations

import json

import pytest

from tests.service.registration.conftest import a_returnee, an_announcement

BOM = b"\xef\xbb\xbf"
ROUTES = [("/v1/arrival-batches", an_announcement), ("/v1/returnees", a_returnee)]


@pytest.mark.parametrize(("path", "body"), ROUTES)
async def test_a_byte_order_mark_is_dropped_at_every_route(registration, path, body):
    headers = registration.headers() | {"Content-Type": "application/json"}
    answer = await registration.client.post(path, content=BOM + json.dumps(body()).encode(), headers=headers)
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize(("path", "body"), ROUTES)
@pytest.mark.parametrize(
    ("more", "pointer", "rule"),
    [
        ('"sender_reference": "a", "sender_reference": "b"', "/sender_reference", "repeated-key"),
        ('"household_size": NaN', "/household_size", "number-out-of-range"),
        ('"a": "\\u0000"', "/a", "nul-character"),
        ('"a": "\\ud800"', "/a", "lone-surrogate"),
    ],
)
async def test_json_that_is_no_one_thing_is_refused_at_every_route(registration, path, body, more, pointer, rule):
    told = {name: value for name, value in body().items() if name != "sender_reference"}
    text = f"{{{more}, {json.dumps(told)[1:]}"
    headers = registration.headers() | {"Content-Type": "application/json"}
    answer = await registration.client.post(path, content=text.encode(), headers=headers)
    assert answer.status_code == 422
    assert [(error["pointer"], error["rule"]) for error in answer.json()["errors"]] == [(pointer, rule)]
