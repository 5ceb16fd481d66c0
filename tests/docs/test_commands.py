"""The commands on the pages for partners and reception systems, run as they stand against a running system."""

import asyncio
import os
import re
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from deploy.local.installation import Installation
from deploy.local.pack_loading import load_pack_once
from deploy.local.supervisor import System, running_system

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600), pytest.mark.asyncio(loop_scope="module")]
ROOT = Path(__file__).resolve().parents[2]
PAGE_SECONDS = 240


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def system(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    installation = Installation(state=tmp_path_factory.mktemp("pages"))
    async with running_system(installation, say=lambda text: None) as running:
        await load_pack_once(installation, lambda text: None)
        yield running


@pytest.mark.parametrize("page", ["partners.md", "reception-systems.md"])
async def test_every_command_on_the_page_runs_as_it_stands(page, system, tmp_path):
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    script = tmp_path / "page.sh"
    script.write_text("set -euo pipefail\n" + "\n".join(blocks), encoding="utf-8")
    environment = {**os.environ, **system.environment, "ENLACE_STATE": str(system.installation.state)}
    run = await asyncio.to_thread(
        subprocess.run,
        ["bash", "-x", str(script)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PAGE_SECONDS,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-6000:]
