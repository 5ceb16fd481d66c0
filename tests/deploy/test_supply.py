"""What is shipped is listed, and a published vulnerability of any of it stops `make check`."""

import json
import os
import subprocess
import sys
import threading
import tomllib
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from typer.testing import CliRunner

from deploy.local.installation import ROOT
from deploy.local.jars import ZIPKIN_LOCK, read_lock
from deploy.supply.__main__ import cli
from deploy.supply.advisories import Accepted, Unreachable, accepted, verdict
from deploy.supply.bill import bill, faults


@pytest.fixture(scope="module")
def made():
    return bill()


def test_the_bill_names_every_package_jar_and_image_that_runs(made):
    purls = {one["purl"].split("?")[0] for one in made["components"] if "purl" in one}
    with (ROOT / "pyproject.toml").open("rb") as file:
        wanted = tomllib.load(file)
    named = [*wanted["project"]["dependencies"], *wanted["dependency-groups"]["local"]]
    names = {one.split(">=")[0].split("[")[0] for one in named}
    assert not {name for name in names if not any(purl.startswith(f"pkg:pypi/{name}@") for purl in purls)}
    jars = [*read_lock(), *read_lock(ZIPKIN_LOCK)]
    assert {f"pkg:maven/{jar.group}/{jar.artifact}@{jar.version}" for jar in jars} <= purls
    images = {purl.split("@")[0] for purl in purls if purl.startswith("pkg:docker/")}
    assert images == {
        *(f"pkg:docker/{name}" for name in ("python", "postgres", "apache/kafka", "jaegertracing/jaeger"))
    }


def test_the_bill_keeps_to_the_schema_and_a_broken_one_is_found(made):
    assert faults(made) == []
    assert faults(made | {"components": [{"type": "library"}]})


FOUND = [
    {"name": "idna", "version": "3.6", "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["3.7"]}]}
]


def test_an_accepted_advisory_counts_again_after_its_last_day():
    known = [Accepted(id="CVE-1", package="idna", reason="Only hosts of our own settings.", until=date(2026, 12, 31))]
    assert verdict(FOUND, known, on=date(2026, 12, 31)).vulnerable == ()
    assert verdict(FOUND, known, on=date(2027, 1, 1)).vulnerable == ("idna 3.6: PYSEC-1, fixed in 3.7",)
    assert verdict(FOUND, [], on=date(2026, 12, 31)).vulnerable


def test_a_package_that_nobody_knows_is_told_as_not_audited():
    found = [{"name": "idna", "skip_reason": "not found"}]
    assert verdict(found, [], on=date(2026, 12, 31)).unknown == ("idna",)


def test_what_is_accepted_has_the_right_form():
    assert all(len(one.reason) >= 20 for one in accepted())


class _Service(BaseHTTPRequestHandler):
    vulnerable = ""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = asked["package"]["name"]
        told = {"id": "PYSEC-0000-1", "details": "made up", "affected": [{"package": asked["package"], "ranges": []}]}
        body = json.dumps({"vulns": [told]} if name == self.vulnerable else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nothing: a test fails by what the command says."""


@contextmanager
def _serving(vulnerable=""):
    handler = type("Handler", (_Service,), {"vulnerable": vulnerable})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _audited(url, *options, environment):
    command = [sys.executable, "-m", "deploy.supply", "audit", *options]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env=environment | {"PIP_AUDIT_OSV_URL": url}, check=False
    )


@pytest.fixture
def environment(tmp_path):
    return dict(os.environ) | {"PIP_AUDIT_CACHE_DIR": str(tmp_path)}


def test_a_published_vulnerability_ends_the_audit(environment):
    with _serving(vulnerable="aiokafka") as url:
        found = _audited(url, environment=environment)
    assert found.returncode == 1
    assert "vulnerable: aiokafka" in found.stderr
    with _serving() as url:
        clean = _audited(url, "--strict", environment=environment)
    assert (clean.returncode, clean.stdout) == (0, "supply: no published vulnerability\n"), clean.stderr


def test_a_service_that_does_not_answer_is_said_and_fails_the_strict_audit(environment, monkeypatch):
    with _serving() as url:
        pass
    told = _audited(url, "--strict", environment=environment)
    assert told.returncode == 1
    assert "NOT AUDITED" in told.stderr

    def away():
        raise Unreachable("nobody there")

    monkeypatch.setattr("deploy.supply.advisories.audit", away)
    lenient = CliRunner().invoke(cli, ["audit"])
    assert lenient.exit_code == 0
    assert "NOT AUDITED" in lenient.output


def test_a_secret_that_is_committed_is_found(tmp_path):
    leaked = tmp_path / "settings.py"
    leaked.write_text('aws_secret = "' + "wJalrXUtnFEMI/K7MDENG" + "/bPxRfiCYzzzzzzzKEY" + '"\n', encoding="utf-8")
    hook = [f"{sys.prefix}/bin/detect-secrets-hook", "--baseline", ".secrets.baseline", str(leaked)]
    found = subprocess.run(hook, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 1, found.stdout
    assert "settings.py" in found.stdout
