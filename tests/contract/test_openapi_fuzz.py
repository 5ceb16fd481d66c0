"""Requests made from each service's own API document, right ones and wrong ones: never a 5xx, and every answer is one
that the document declares, in its status, its media type and its schema.

Each service is first sent some requests that are right (seeds.py). Their ids are used again, in paths and in bodies,
and their bodies with some fields replaced, so that requests get past the first 404 and the first 422.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterator, MutableMapping
from typing import Any
from uuid import uuid4

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.contract.apis import SETTINGS, Api, running_api

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
SERVICE_SECONDS = 55.0
EXAMPLES_MIN, EXAMPLES_MAX = 4, 30
_PARAMETER = re.compile(r"([\w-]+)/\{(\w+)\}")

pytestmark = pytest.mark.timeout(300)


class Known:
    """Ids that the service has shown, by the collection in which they live, such as `services`."""

    def __init__(self, bodies: dict[str, Any]) -> None:
        self._ids: dict[str, list[str]] = defaultdict(list)
        self._bodies = bodies

    def learn(self, path: str, status: int, body: Any) -> None:
        """Remember what a successful answer names."""
        if not 200 <= status < 300 or not isinstance(body, dict):
            return
        collection = path.split("/")[2]
        for shown in [body, *(body.get("items") or [])]:
            if isinstance(shown, dict) and isinstance(shown.get("id"), str):
                self._remember(collection, shown["id"])
            for name, value in shown.items() if isinstance(shown, dict) else ():
                if name.endswith("_id") and isinstance(value, str):
                    self._remember(_collection_of(name), value)

    def use(self, case: Case, draw: Any) -> None:
        """Put known ids in the place of some that were made up."""
        named = {name: collection for collection, name in _PARAMETER.findall(case.operation.path)}
        self._replace(case.path_parameters, named, draw)
        right = self._bodies.get(case.operation.label)
        if right is not None and isinstance(case.body, dict) and draw(st.booleans()):
            made_up = draw(st.lists(st.sampled_from(sorted(case.body)), max_size=2)) if case.body else []
            case.body = right | {name: case.body[name] for name in made_up}
        if case.headers and "If-Match" in case.headers and draw(st.booleans()):
            case.headers = {"If-Match": "*"}
        if isinstance(case.body, dict):
            fields = {name: _collection_of(name) for name in case.body if name.endswith("_id")}
            self._replace(case.body, fields, draw)

    def _replace(self, values: MutableMapping[str, Any] | None, collections: dict[str, str], draw: Any) -> None:
        for name, collection in collections.items():
            ids = self._ids.get(collection)
            if values is not None and name in values and ids and draw(st.integers(0, 3)) > 0:
                values[name] = draw(st.sampled_from(ids))

    def _remember(self, collection: str, id_: str) -> None:
        ids = self._ids[collection]
        if id_ not in ids:
            ids.append(id_)
            del ids[:-5]


def _collection_of(field: str) -> str:
    return field.removesuffix("_id").removeprefix("provider_").replace("_", "-") + "s"


@pytest.fixture(params=list(SETTINGS))
def api(request: pytest.FixtureRequest, postgres_server: Any, issuer: Any) -> Iterator[Api]:
    with running_api(request.param, postgres_server, issuer) as running:
        yield running


def test_no_request_breaks_the_service_or_its_document(api: Api) -> None:
    schema = schemathesis.openapi.from_dict(api.document)
    operations = sorted((found.ok() for found in schema.get_all_operations()), key=_creators_first)
    known, faults = Known({label: body for label, _, body in api.seeds}), {}
    _sow(api, known)
    until = time.monotonic() + SERVICE_SECONDS
    for number, operation in enumerate(operations):
        share = (until - time.monotonic()) / (len(operations) - number)
        try:
            _try(operation, api, known, until=time.monotonic() + share)
        except Exception as fault:  # one operation's fault must not hide the next one's
            faults[operation.label] = _told(fault)
    assert not faults, "\n\n".join(f"{label}\n{told}" for label, told in faults.items())


def _sow(api: Api, known: Known) -> None:
    for label, path, body in api.seeds:
        method, _ = label.split(" ")
        answer = httpx.request(
            method, api.base_url + path, json=body, headers=api.headers | {"Idempotency-Key": str(uuid4())}, timeout=30
        )
        assert answer.is_success, f"{label}: {answer.status_code} {answer.text}"
        known.learn(path, answer.status_code, answer.json())


def _try(operation: Any, api: Api, known: Known, *, until: float) -> None:
    sent = 0
    strategy = st.one_of(
        operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
        operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
        operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
    )

    @settings(
        max_examples=EXAMPLES_MAX,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy, data=st.data())
    def send(case: Case, data: st.DataObject) -> None:
        nonlocal sent
        sent += 1
        if sent > EXAMPLES_MIN and time.monotonic() > until:
            return
        known.use(case, data.draw)
        response = case.call(base_url=api.base_url, headers=api.headers, timeout=30)
        case.validate_response(response, checks=CHECKS)
        if "json" in (response.headers.get("content-type") or [""])[0]:
            known.learn(case.operation.path, response.status_code, response.json())

    send()


def _creators_first(operation: Any) -> tuple[int, int, str]:
    """Collections before what hangs below them, and what creates before what reads and ends."""
    order = {"PUT": 0, "POST": 0, "PATCH": 1, "GET": 2, "DELETE": 3}
    return operation.path.count("/"), order[operation.method.upper()], operation.path


def _told(fault: BaseException) -> str:
    """The faults of one operation as texts, without the machinery around them."""
    if isinstance(fault, BaseExceptionGroup):
        return "\n".join(_told(part) for part in fault.exceptions)
    notes = "\n".join(getattr(fault, "__notes__", []))
    return f"{type(fault).__name__}: {fault}\n{notes}"[:4000]
