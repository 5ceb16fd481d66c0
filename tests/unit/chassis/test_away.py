"""A collector that does not answer: the work of a service goes on, and its end does not wait."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SPANS = 25_000
"""More than the queue of the exporter has room for."""
ENDS_WITHIN_SECONDS = 20
WORK = f"""
from libs.chassis import telemetry

class Settings:
    spans_directory = None

telemetry.setup_telemetry("referral", Settings())
for number in range({SPANS}):
    with telemetry.root_span("work"):
        pass
print("worked", flush=True)
telemetry.flush_telemetry()
"""


@pytest.fixture(params=["silent", "nobody"])
def collector(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a collector that accepts connections and never answers, and an address where nobody listens."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        if request.param == "silent":
            listening.listen(64)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_a_service_works_and_ends_while_its_collector_does_not_answer(collector: str) -> None:
    """Taken out: the limit of `flush_telemetry` (the end took minutes), `shutdown_on_exit=False` (half a minute)."""
    with subprocess.Popen(
        [sys.executable, "-c", WORK],
        cwd=ROOT,
        env=os.environ | {"OTEL_EXPORTER_OTLP_ENDPOINT": collector},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "worked\n"
            assert process.wait(ENDS_WITHIN_SECONDS) == 0
        finally:
            process.kill()
