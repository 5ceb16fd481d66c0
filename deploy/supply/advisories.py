"""Published vulnerabilities of what the lock file names, as pip-audit finds them at OSV or at the URL of a mirror.

An advisory that does not concern us is accepted in `accepted.yaml`, with its reason and a last day. After that day it
counts again, so that nobody has to remember it.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from deploy.local.installation import ROOT
from deploy.supply.exports import exported
from libs.chassis.yaml_files import read_yaml

ACCEPTED: Final = Path(__file__).with_name("accepted.yaml")
SECONDS: Final = 10
"""How long one answer of the service may take."""


class Accepted(BaseModel):
    """An advisory that is known and does not concern us until `until`, with the reason why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    package: str
    reason: str = Field(min_length=20)
    until: date


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an audit found: advisories that count, and packages of which nothing could be learned."""

    vulnerable: tuple[str, ...]
    unknown: tuple[str, ...]


class Unreachable(Exception):  # noqa: N818 (a state)
    """The service of advisories does not answer, so nothing was audited."""


def audit() -> Verdict:
    """Ask for every locked package, tools of development included. `Unreachable` where the service does not answer.

    `PIP_AUDIT_OSV_URL` names another service of the same form, such as a mirror.
    """
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder) / "requirements.txt"
        requirements.write_text(exported("requirements.txt", "--no-emit-project"), encoding="utf-8")
        command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off"]
        command += ["--no-deps", "--disable-pip", "--require-hashes", "--vulnerability-service", "osv"]
        command += ["--timeout", str(SECONDS), "--requirement", str(requirements)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 (our own words)
    try:
        found = json.loads(done.stdout)["dependencies"]
    except ValueError:
        raise Unreachable(_last_line(done.stderr)) from None
    return verdict(found, accepted(), on=date.today())  # noqa: DTZ011 (days of people, not of the system)


def accepted() -> list[Accepted]:
    """What `accepted.yaml` lists; ValueError where its form is wrong."""
    return [Accepted.model_validate(one) for one in read_yaml(ACCEPTED)["accepted"]]


def verdict(found: Sequence[Mapping[str, Any]], known: Sequence[Accepted], *, on: date) -> Verdict:
    """What counts on this day of what pip-audit says of each package."""
    passed = {(one.package, one.id) for one in known if on <= one.until}
    vulnerable, unknown = [], []
    for package in found:
        if "skip_reason" in package:
            unknown.append(str(package["name"]))
        for advisory in package.get("vulns", ()):
            names = {advisory["id"], *advisory.get("aliases", ())}
            if not any((package["name"], name) in passed for name in names):
                fixed = ", ".join(advisory.get("fix_versions", ())) or "nowhere yet"
                vulnerable.append(f"{package['name']} {package['version']}: {advisory['id']}, fixed in {fixed}")
    return Verdict(tuple(vulnerable), tuple(unknown))


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].split(":")[0] if lines else "no answer"
