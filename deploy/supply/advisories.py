"""Published vulnerabilities of the packages in the lock file, which pip-audit reads from OSV or from a mirror.

An advisory that does not concern us can be accepted in `accepted.yaml`, with a reason and a last day. After that day,
it counts again, so that nobody has to remember it.
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
"""The time limit for one answer of the service."""


class Accepted(BaseModel):
    """A known advisory that does not concern us, with the reason. It is accepted until the day `until`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    package: str
    reason: str = Field(min_length=20)
    until: date


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of an audit: advisories that count, and packages that could not be audited."""

    vulnerable: tuple[str, ...]
    unknown: tuple[str, ...]


class Unreachable(Exception):  # noqa: N818 (a state)
    """The advisory service does not answer, so nothing was audited."""


def audit() -> Verdict:
    """Audit every locked package, including development tools. Raises Unreachable if the service does not answer.

    `PIP_AUDIT_OSV_URL` names another service with the same API, such as a mirror.
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
    """The advisories in `accepted.yaml`. Raises ValueError if the file does not have the required form."""
    return [Accepted.model_validate(one) for one in read_yaml(ACCEPTED)["accepted"]]


def verdict(found: Sequence[Mapping[str, Any]], known: Sequence[Accepted], *, on: date) -> Verdict:
    """The advisories in pip-audit's answer that count on this day, and the packages that it skipped."""
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
