"""`python -m tests.compose` (make compose-test): the compose file on a real engine, from the first build to `down`.

Where no public image can be pulled, stand-ins are made (`images/`). Then this does not prove that the official images
of PostgreSQL, Kafka and Python behave alike; all else is as a stranger runs it.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx
from aiokafka.errors import KafkaError

from deploy.docker.make_secrets import SERVICES
from libs.chassis.revocations import revoke
from libs.events import kafka
from libs.events.cluster import Cluster
from tests.compose.engine import NotPossibleError, engine
from tests.compose.images import images
from tests.compose.installation import FailedError, Installation, clone, require
from tests.compose.signing_in import first_view

WORDS = ("REGISTRATION", "DIRECTORY", "REFERRAL", "NOTIFICATIONS")
BACK_SECONDS = 180.0


def main(wanted: Sequence[str]) -> int:
    """Run the first start and every other step, or those that are named; 0 when all hold."""
    began = time.monotonic()
    try:
        with engine() as environment, tempfile.TemporaryDirectory(prefix="enlace-clone-") as directory:
            had = images(environment)
            clone(Path(directory))
            installation = Installation(Path(directory), environment, had)
            try:
                for step in STEPS:
                    if wanted and step is not the_first_start and step.__name__ not in wanted:
                        continue
                    since = time.monotonic()
                    step(installation)
                    print(f"{time.monotonic() - since:6.0f} s  {(step.__doc__ or '').splitlines()[0]}", flush=True)
            finally:
                installation.compose("--profile", "demo", "down", "--volumes", "--remove-orphans")
    except (FailedError, NotPossibleError, subprocess.SubprocessError, httpx.HTTPError) as error:
        print(f"compose-test: {error}", file=sys.stderr)
        return 1
    print(f"{time.monotonic() - began:6.0f} s  in all")
    return 0


def the_first_start(installation: Installation) -> None:
    """One command builds and starts everything, all of it healthy and at work."""
    installation.compose("up", "--build", "--wait")
    for word in WORDS:
        require(installation.status(word, "/readyz") == 200, f"{word} takes requests")
        until_it_works(installation, word)


def the_console(installation: Installation) -> None:
    """A sample person signs in: browsers reach console and issuer on this machine, the containers reach each other."""
    url = installation.addresses["ENLACE_CONSOLE_URL"]
    arrived = first_view(url, "operator-day")
    at = str(arrived.url)
    require(at == f"{url}/tonight", f"an operator who signs in arrives at {at}")
    require(arrived.status_code == 200, f"the first view of an operator answers {arrived.status_code}")


def the_broker(installation: Installation) -> None:
    """Kafka takes nobody in clear; each service has its login and all public keys; a revoked client is shut out."""
    servers = installation.addresses["KAFKA_BOOTSTRAP_SERVERS"]
    require(not asyncio.run(answers(Cluster(servers))), "Kafka takes nobody in clear")
    require(asyncio.run(answers(Cluster.from_environment(servers, installation.addresses))), "Kafka takes the operator")
    show = "import os; print(os.environ['KAFKA_SASL_USERNAME']); print(os.environ['ENLACE_EVENT_KEYS'])"
    for service in SERVICES:
        told = installation.compose("exec", "-T", service, "python", "-c", show).splitlines()
        require(told[0] == service, f"{service} is its own user at Kafka")
        require(json.loads(told[1]) == json.loads(installation.addresses["ENLACE_EVENT_KEYS"]), "all know all keys")
    revocations = Path(installation.addresses["ENLACE_REVOCATIONS_FILE"])
    reception = installation.token("reception-system")
    batches = f"{installation.addresses['ENLACE_REGISTRATION_URL']}/v1/arrival-batches"
    revoke(revocations, at=int(time.time()) + 1, client="reception-system")
    until = time.monotonic() + BACK_SECONDS
    while httpx.get(batches, headers=reception, trust_env=False).status_code != 401:
        require(time.monotonic() < until, "a revoked client is shut out")
        time.sleep(0.5)
    revocations.write_text("{}\n", encoding="utf-8")


async def answers(cluster: Cluster) -> bool:
    """Whether a broker says what topics there are."""
    try:
        async with asyncio.timeout(15), kafka.admin(cluster) as admin:
            return bool(await admin.list_topics())
    except (KafkaError, OSError, TimeoutError):
        return False


def until_it_works(installation: Installation, word: str) -> None:
    until = time.monotonic() + BACK_SECONDS
    while installation.status(word, "/workz") != 200:
        require(time.monotonic() < until, f"the work behind {word} goes on")
        time.sleep(0.5)


def a_repeat(installation: Installation) -> None:
    """`up` again, with a build and without, recreates nothing."""
    before = installation.containers()
    installation.compose("up", "--wait")
    require(installation.containers() == before, "`up` again recreates nothing")
    installation.compose("up", "--build", "--wait")
    require(installation.containers() == before, "`up --build` without a change recreates nothing")


def private_addresses(installation: Installation) -> None:
    """A webhook to a private address is refused until it is allowed."""
    made = httpx.post(
        f"{installation.addresses['ENLACE_NOTIFICATIONS_URL']}/v1/endpoints",
        headers=installation.token("casa-del-migrante") | {"Idempotency-Key": "private-address"},
        json={"url": "http://host.docker.internal:9/enlace"},
        trust_env=False,
    )
    require(made.status_code == 422, f"a private address is answered by {made.status_code}")


def the_pages(installation: Installation) -> None:
    """A partner takes an offer from its webhook to its outcome, a reception system sends by all its ways."""
    installation.compose("up", "--wait", ENLACE_WEBHOOK_ALLOW_PRIVATE="true")
    for page in ("partners.md", "reception-systems.md"):
        installation.page(page)


def two_of_a_service(installation: Installation) -> None:
    """Two containers of referral work behind one port; one of them is enough."""
    installation.compose("up", "--wait", "--scale", "referral=2")
    require(installation.health("referral") == ["healthy", "healthy"], "both are healthy")
    for _ in range(10):
        require(installation.status("REFERRAL", "/readyz") == 200, "referral answers")
    names = [name for name in installation.containers() if "-referral-" in name and "migrate" not in name]
    installation.run("docker", "stop", names[0])
    for _ in range(10):
        require(installation.status("REFERRAL", "/readyz") == 200, "referral answers while one of two is stopped")
    installation.compose("up", "--wait", "--scale", "referral=1")


def without_kafka(installation: Installation) -> None:
    """While Kafka is stopped the APIs stay in service; afterwards the work goes on."""
    installation.compose("stop", "kafka")
    reception = installation.token("reception-system")
    for word in WORDS:
        require(installation.status(word, "/readyz") == 200, f"{word} takes requests without Kafka")
    installation.get("REGISTRATION", "/v1/arrival-batches", reception)
    installation.compose("up", "--wait")
    for word in WORDS:
        until_it_works(installation, word)


def down_and_up(installation: Installation) -> None:
    """`down` and `up` keep the data."""
    announced = httpx.post(
        f"{installation.addresses['ENLACE_REGISTRATION_URL']}/v1/arrival-batches",
        headers=installation.token("reception-system") | {"Idempotency-Key": "kept"},
        json={
            "sender_reference": "kept", "mode": "flight", "reception_place": "GT01", "entries": [],
            "expected_at": datetime.now(UTC).isoformat(),
        },
        trust_env=False,
    )  # fmt: skip
    require(announced.status_code == 201, f"a flight is announced: {announced.status_code} {announced.text[:300]}")
    installation.compose("down")
    installation.compose("up", "--wait")
    path = f"/v1/arrival-batches/{announced.json()['id']}"
    kept = installation.get("REGISTRATION", path, installation.token("reception-system"))
    require(kept["sender_reference"] == "kept", "what was announced is still there")


def the_demo(installation: Installation) -> None:
    """The demo lands a flight, webhooks are verified, providers accept."""
    more = {"ENLACE_WEBHOOK_ALLOW_PRIVATE": "true", "ENLACE_DEMO_PEOPLE": "12"}
    installation.compose("--profile", "demo", "up", "--wait", **more)
    said = installation.compose("logs", "rehearsal")
    require("has landed" in said and "accepted" in said, f"the flight has landed: {said[-500:]}")
    require("webhooks verified: 0" not in said.splitlines()[-1], "webhooks come")


def with_the_older_image(installation: Installation) -> None:
    """An image of PostgreSQL that keeps its data elsewhere by itself loses nothing either."""
    installation.compose("--profile", "demo", "down", "--volumes")
    older = {"POSTGRES_IMAGE": installation.older_postgres}
    psql = ("exec", "-T", "postgres", "psql", "-U", "postgres", "-Atc")
    installation.compose("up", "--wait", "referral", **older)
    installation.compose(*psql, "CREATE TABLE kept ()", **older)
    installation.compose("down", **older)
    installation.compose("up", "--wait", "referral", **older)
    require(installation.compose(*psql, "SELECT to_regclass('kept')", **older).strip() == "kept", "the data are kept")


STEPS: tuple[Callable[[Installation], None], ...] = (
    the_first_start,
    the_console,
    the_broker,
    a_repeat,
    private_addresses,
    the_pages,
    two_of_a_service,
    without_kafka,
    down_and_up,
    the_demo,
    with_the_older_image,
)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
