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
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.contract.apis import SETTINGS, Api, running_api

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
FAULTS_MAX = 2
_PARAMETER = re.compile(r"([\w-]+)/\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Depth:
    """How much is sent to one service: for so many seconds, and to each operation so many examples at least and at
    most. All examples are made, also those for which there is no time; to make one takes longer than to send it."""

    seconds: float
    examples_min: int
    examples_max: int


DEPTHS = {
    "short": Depth(seconds=5.0, examples_min=2, examples_max=4),
    "whole": Depth(seconds=20.0, examples_min=4, examples_max=30),
}


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

    def use(self, case: Case, chance: Random) -> None:
        """Put what is known in the place of some of what was made up."""
        named = {name: collection for collection, name in _PARAMETER.findall(case.operation.path)}
        self._replace(case.path_parameters, named, chance)
        _condition(case, chance)
        if not isinstance(case.body, dict):
            return
        right = self._bodies.get(case.operation.label)
        if right is not None and chance.random() < 0.6:
            made_up = chance.sample(sorted(case.body), min(len(case.body), chance.randrange(3)))
            case.body = right | {name: case.body[name] for name in made_up}
        fields = {name: _collection_of(name) for name in case.body if name.endswith("_id")}
        self._replace(case.body, fields, chance)

    def _replace(self, values: MutableMapping[str, Any] | None, collections: dict[str, str], chance: Random) -> None:
        for name, collection in collections.items():
            ids = self._ids.get(collection)
            if values is not None and name in values and ids and chance.random() < 0.75:
                values[name] = chance.choice(ids)

    def _remember(self, collection: str, id_: str) -> None:
        ids = self._ids[collection]
        if id_ not in ids:
            ids.append(id_)
            del ids[:-5]


def _condition(case: Case, chance: Random) -> None:
    """Headers that let a request through, where the operation knows them."""
    known = {parameter.name for parameter in case.operation.headers}
    headers = dict(case.headers or {})
    if "Idempotency-Key" in known and chance.random() < 0.8:
        headers["Idempotency-Key"] = str(UUID(int=chance.getrandbits(128)))
    if "If-Match" in known and chance.random() < 0.6:
        headers.pop("If-None-Match", None)
        headers["If-Match"] = "*"
    case.headers = headers


def _collection_of(field: str) -> str:
    return field.removesuffix("_id").removeprefix("provider_").replace("_", "-") + "s"


@pytest.fixture(params=list(SETTINGS))
def api(request: pytest.FixtureRequest, postgres_server: Any, issuer: Any) -> Iterator[Api]:
    with running_api(request.param, postgres_server, issuer) as running:
        yield running


@pytest.mark.parametrize("depth", DEPTHS)
def test_no_request_breaks_the_service_or_its_document(api: Api, depth: str) -> None:
    schema = schemathesis.openapi.from_dict(api.document)
    operations = sorted((found.ok() for found in schema.get_all_operations()), key=_creators_first)
    known = Known({label: body for label, _, body in api.seeds})
    _sow(api, known)
    faults: list[str] = []
    until = time.monotonic() + DEPTHS[depth].seconds
    for number, operation in enumerate(operations):
        share = (until - time.monotonic()) / (len(operations) - number)
        faults += _try(operation, api, known, DEPTHS[depth], until=time.monotonic() + share)
    assert not faults, "\n\n".join(faults)


def _sow(api: Api, known: Known) -> None:
    for label, path, body in api.seeds:
        method, _ = label.split(" ")
        for caller in api.callers:  # the first who may: some is an organisation's, some is for staff
            headers = caller | {"Idempotency-Key": str(uuid4())}
            answer = httpx.request(method, api.base_url + path, json=body, headers=headers, timeout=30)
            if answer.is_success:
                break
        assert answer.is_success, f"{label}: {answer.status_code} {answer.text}"
        known.learn(path, answer.status_code, answer.json())


def _try(operation: Any, api: Api, known: Known, depth: Depth, *, until: float) -> list[str]:
    """Send requests of one operation until the time is up, the fewest in any case; what was wrong with the answers."""
    sent, faults = 0, []
    strategy = st.one_of(
        operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
        operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
        operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
    )

    @settings(
        max_examples=depth.examples_max,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy, seed=st.integers(0, 2**32))
    def send(case: Case, seed: int) -> None:
        nonlocal sent
        sent += 1
        if len(faults) >= FAULTS_MAX or (sent > depth.examples_min and time.monotonic() > until):
            return
        chance = Random(seed)
        known.use(case, chance)
        response = case.call(base_url=api.base_url, headers=chance.choice(api.callers), timeout=30)
        try:
            case.validate_response(response, checks=CHECKS)
        except FailureGroup as fault:
            # Told, not raised: what a request does depends on those before it, so it would not fail again alone.
            faults.append(f"{operation.label}\n" + "\n".join(str(part) for part in fault.exceptions)[:3000])
        if response.content and "json" in (response.headers.get("content-type") or [""])[0]:
            known.learn(case.operation.path, response.status_code, response.json())

    send()
    return faults


def _creators_first(operation: Any) -> tuple[bool, int, int, str]:
    """Collections before what hangs below them, what creates before what reads; what ends things comes last."""
    order = {"PUT": 0, "POST": 0, "PATCH": 1, "GET": 2, "DELETE": 3}
    method, path = operation.method.upper(), operation.path
    ends = method == "DELETE" or path.rpartition("/")[2] in {"erasure", "withdraw", "disable", "cancel"}
    return ends, path.count("/"), order[method], path
