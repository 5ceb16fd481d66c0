"""The commands on the pages for partners, reception systems and operators run as they stand, on a running system."""

import asyncio
import os
import re
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer

from deploy.local.installation import Installation, read_dotenv
from deploy.local.pack_loading import load_pack_once
from deploy.local.supervisor import System, running_system
from libs.chassis.walls import WORKS_FOR
from libs.events.signing import Signer
from tests.events.bus import event_headers

pytestmark = [pytest.mark.journey, pytest.mark.timeout(1800), pytest.mark.asyncio(loop_scope="module")]
ROOT = Path(__file__).resolve().parents[2]
PAGE_SECONDS = 1500


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def system(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    installation = Installation(state=tmp_path_factory.mktemp("pages"))
    async with running_system(installation, say=lambda text: None) as running:
        await load_pack_once(installation, lambda text: None)
        yield running


@pytest.mark.parametrize("page", ["partners.md", "reception-systems.md"])
async def test_every_command_on_the_page_runs_as_it_stands(page, system, tmp_path):
    await _run(page, tmp_path, system.environment | {"ENLACE_STATE": str(system.installation.state)})


async def test_every_command_on_the_page_about_operations_runs_as_it_stands(system, tmp_path):
    """The page is about a parked event, so there must be one: signed by the directory, and referral can't read it."""
    environment = read_dotenv(system.installation.env_file.read_text(encoding="utf-8").splitlines())
    headers = list(event_headers("provider-service.published.v1"))
    key_file = system.installation.event_keys / "provider_directory.pem"
    headers += Signer.from_file(key_file, "provider_directory").sign(
        "enlace.directory", b"of-no-service", headers, b"{}"
    )
    producer = AIOKafkaProducer(bootstrap_servers=environment["KAFKA_BOOTSTRAP_SERVERS"])
    await producer.start()
    await producer.send_and_wait("enlace.directory", b"{}", key=b"of-no-service", headers=headers)
    await producer.stop()
    connection = await asyncpg.connect(
        environment["ENLACE_REFERRAL_DATABASE_URL"], server_settings={WORKS_FOR: "service"}
    )
    async with asyncio.timeout(300):
        while not await connection.fetchval("SELECT count(*) FROM parked WHERE id = 1"):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    await _run("operations.md", tmp_path, environment)
    assert not await connection.fetchval("SELECT count(*) FROM parked_key")
    noted = {row["action"] for row in await connection.fetch("SELECT action FROM operator_action")}
    assert noted >= {"parked.retry", "parked.discard", "position.reset", "relay.hold", "relay.release", "replay"}
    await connection.close()


async def _run(page, tmp_path, variables):
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    script = tmp_path / "page.sh"
    script.write_text("set -euo pipefail\n" + "\n".join(blocks), encoding="utf-8")
    run = await asyncio.to_thread(
        subprocess.run,
        ["bash", "-x", str(script)],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=PAGE_SECONDS,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-6000:]
