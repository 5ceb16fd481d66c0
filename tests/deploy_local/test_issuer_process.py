"""The local issuer as a process: of an installation, and of a container."""

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from deploy.local.console_client import CONSOLE_SECRET
from deploy.local.installation import ROOT, SERVICES, Installation, addresses, issuer_command
from tests.deploy_local.sign_in_steps import REQUEST, VERIFIER, form_of

READY_SECONDS = 120


def wait_until_ready(process: subprocess.Popen[str], url: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/readyz", trust_env=False).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.05)
    process.kill()
    pytest.fail(f"the issuer did not start: {process.communicate()[1]}")


def test_the_issuer_of_an_installation_lets_people_sign_in_to_its_console_and_to_nothing_else(tmp_path: Path) -> None:
    installation = Installation(state=tmp_path)
    ports = installation.choose_ports()
    told = addresses(ports, services=SERVICES, kafka="127.0.0.1:1")
    assert told["ENLACE_CONSOLE_URL"] == f"http://127.0.0.1:{ports['console']}"
    command = issuer_command(installation, told, port=ports["issuer"])
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        wait_until_ready(process, told["ENLACE_ISSUER_URL"])
        back = f"{told['ENLACE_CONSOLE_URL']}/sign-in/callback"
        with httpx.Client(base_url=told["ENLACE_ISSUER_URL"], trust_env=False) as browser:
            assert browser.get("/authorize", params=REQUEST).status_code == 400, "another port"
            page = browser.get("/authorize", params=REQUEST | {"redirect_uri": back})
            answer = browser.post("/authorize", data=form_of(page) | {"subject": "clerk-air-base"})
            location = httpx.URL(answer.headers["location"])
            assert str(location.copy_with(query=None)) == back
            fields = {"grant_type": "authorization_code", "code": location.params["code"], "redirect_uri": back}
            auth = ("enlace-console", installation.keyring.get(CONSOLE_SECRET))
            got = browser.post("/token", data=fields | {"code_verifier": VERIFIER}, auth=auth)
            assert got.status_code == 200
            assert {"access_token", "refresh_token", "id_token"} <= got.json().keys()
    finally:
        process.terminate()
        process.communicate()


def ended(command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    everything = {**os.environ, **environment}
    return subprocess.run(
        command, cwd=ROOT, env=everything, capture_output=True, text=True, timeout=READY_SECONDS, check=False
    )


def test_the_issuer_of_an_installation_does_not_start_on_an_address_for_others(tmp_path: Path) -> None:
    installation = Installation(state=tmp_path)
    told = addresses(installation.choose_ports(), services=SERVICES, kafka="127.0.0.1:1")
    command = issuer_command(installation, told, port=0)
    process = ended([*command, "--host", "0.0.0.0"])
    assert process.returncode == 1
    assert "listens only on this machine" in process.stderr
    assert "Traceback" not in process.stderr
    elsewhere = ["https://console.example" if one == told["ENLACE_CONSOLE_URL"] else one for one in command]
    assert "sign in only on their own machine" in ended(elsewhere).stderr


@pytest.mark.parametrize("published_on", [{}, {"ENLACE_ISSUER_PUBLISHED_ON": "0.0.0.0"}])
def test_the_issuer_of_a_container_starts_only_if_its_port_is_for_this_machine(
    tmp_path: Path, published_on: dict[str, str]
) -> None:
    settings = {
        "ENLACE_ISSUER_STATE": str(tmp_path),
        "ENLACE_PACK": str(ROOT / "deploy" / "packs" / "guatemala"),
        "ENLACE_TOKEN_ISSUER": "http://issuer:8000",
        "ENLACE_CLIENT_SECRET": "secret",  # pragma: allowlist secret
        "ENLACE_ISSUER_KEY": "key",
        "ENLACE_CONSOLE_URL": "http://127.0.0.1:8105",
    }
    process = ended([sys.executable, "-m", "deploy.docker.issuer", "serve", "--port", "0"], **(settings | published_on))
    assert process.returncode == 1
    assert "listens only on this machine" in process.stderr
