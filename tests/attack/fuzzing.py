"""Requests made from a service's own API document, right ones and wrong ones, as many as are asked for: never a 5xx."""

from __future__ import annotations

import time
from collections import Counter
from random import Random
from typing import Any
from uuid import uuid4

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode

from tests.attack.tokens import Line
from tests.contract.apis import Api
from tests.contract.test_openapi_fuzz import Known

AT_ONCE = 25
"""Requests to one operation before the next one's turn."""


def fuzz(name: str, api: Api, *, requests: int, seed: int, until: float) -> tuple[Line, Counter[int]]:
    """Send so many requests, or fewer where the time (monotonic) is up first; how they were answered, by status."""
    line, answered = Line(f"made-up requests: {name}"), Counter[int]()
    operations = [found.ok() for found in schemathesis.openapi.from_dict(api.document).get_all_operations()]
    known, dice = Known({label: body for label, _, body in api.seeds}), Random(seed)
    with httpx.Client(timeout=60, trust_env=False) as connections:
        _sow(api, known, connections)
        while line.tries < requests and time.monotonic() < until:
            for operation in dice.sample(operations, len(operations)):
                count = min(AT_ONCE, requests - line.tries)
                if count <= 0 or time.monotonic() > until:
                    break
                _burst(operation, api, known, line, answered, count=count, seed=dice.randrange(2**32))
    return line, answered


def _sow(api: Api, known: Known, connections: httpx.Client) -> None:
    for label, path, body in api.seeds:
        for caller in api.callers:
            headers = caller | {"Idempotency-Key": str(uuid4())}
            answer = connections.request(label.split(" ")[0], api.base_url + path, json=body, headers=headers)
            if answer.is_success:
                known.learn(path, answer.status_code, answer.json())
                break


def _burst(
    operation: Any, api: Api, known: Known, line: Line, answered: Counter[int], *, count: int, seed: int
) -> None:
    strategy = st.one_of(
        operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
        operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
    )

    @seeded(seed)
    @settings(
        max_examples=count, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=strategy, number=st.integers(0, 2**32))
    def send(case: Case, number: int) -> None:
        chance = Random(number)
        known.use(case, chance)
        line.tries += 1
        try:
            response = case.call(base_url=api.base_url, headers=chance.choice(api.callers), timeout=60)
        except Exception as error:  # whatever keeps an answer from coming is what is looked for
            line.deviations.append(f"{operation.label}: no answer ({type(error).__name__}), seed {seed}")
            return
        answered[response.status_code] += 1
        if response.status_code >= 500:
            line.deviations.append(f"{operation.label}: {response.status_code}, seed {seed}")
        elif response.content and "json" in (response.headers.get("content-type") or [""])[0]:
            known.learn(case.operation.path, response.status_code, response.json())

    send()
