"""The rules of import of the project, held by import-linter (its cache overlooks deleted files, so it is off)."""

import ast
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.test_dependencies import APIS, routes_of

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ["registration", "referral", "provider_directory", "notifications", "console"]


def test_no_import_crosses_a_line():
    linter = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_starts_with_only_its_own_code(service, tmp_path):
    """What its image holds is enough: libs and the one service. A forbidden import fails here too."""
    # With the compiled modules, which Python uses only beside their source; compiling them takes half of the time.
    shutil.copytree(ROOT / "libs", tmp_path / "libs")
    (tmp_path / "services").mkdir()
    shutil.copy(ROOT / "services" / "__init__.py", tmp_path / "services")
    shutil.copytree(ROOT / "services" / service, tmp_path / "services" / service)
    code = f"import services.{service}.app, services.{service}.cli"
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def contracts() -> list[dict[str, Any]]:
    written = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed: list[dict[str, Any]] = written["tool"]["importlinter"]["contracts"]
    return listed


def part_contracts() -> list[dict[str, Any]]:
    """Those that order the files of parts."""
    return [one for one in contracts() if any(name.count(".") == 2 for name in one.get("containers", []))]


def test_every_part_of_every_service_is_held_to_the_rule_about_its_files():
    held = [name for contract in part_contracts() for name in contract["containers"]]
    parts = {
        f"services.{folder.parent.name}.{folder.name}"
        for folder in (ROOT / "services").glob("*/*/")
        if (folder / "__init__.py").exists() and not folder.name.endswith("migrations")
        if folder != ROOT / "services" / "console" / "labels"  # tables of words
    }
    assert len(held) == len(set(held))
    assert parts == set(held)


FIXED = {"api", "subscribers", "loop", "actions", "queries", "tables", "schemas", "rules"}
MORE = {
    ("services.registration.needs", "restricted"): "the store of restricted needs: what reads `need` reads none of it",
    ("services.registration.access_reports", "page"): "the report as a page to print",
    ("services.registration.access_reports", "words"): "the words of this page in its languages",
    ("services.registration.vault", "ciphers"): "AES with data keys, bound to the place of a value",
    ("services.registration.vault", "outer"): "the port to what wraps data keys, and its local implementation",
    ("services.registration.vault", "transit"): "the same port, with a key manager",
    ("services.registration.vault", "key_files"): "files of vault keys that name a key manager",
    ("services.registration.vault", "sealing"): "keys, and what is sealed under them; every part uses it",
    ("services.registration.file_matching", "dates"): "dates of birth as people write them",
    ("services.notifications.endpoints", "sealing"): "secrets of receivers, sealed; the sender opens them",
    ("services.notifications.deliveries", "posting"): "one POST to a receiver that may be anybody",
    ("services.provider_directory.search", "eligibility"): "which services may accept the people of a search",
    ("services.referral.audit", "recording"): "routes that record whose data they have shown",
    ("services.referral.journeys", "facts"): "one journey in memory",
    ("services.referral.journeys", "work"): "what one transaction has decided",
    ("services.referral.journeys", "households"): "what the members of a household have told of one kind",
    ("services.referral.router", "picks"): "which referrals a round takes",
    ("services.referral.router", "together"): "which of them are placed together",
}
"""Files beyond the fixed ones, and what each holds."""
PURE = {f"services.referral.{name}" for name in ("candidates", "consequences", "lifecycles", "pack", "steps")} | {
    "services.console.labels",
    "services.registration.linkage",
}
"""Parts that hold rules only, a file for each subject."""


def test_a_part_has_the_fixed_files_and_more_only_where_that_is_said():
    """Seen to fail with a file more in a part, with one less, and with a contract that ignores a file."""
    more = {
        (".".join(path.parent.relative_to(ROOT).parts), path.stem)
        for service in SERVICES
        for path in (ROOT / "services" / service).glob("*/*")
        if path.suffix == ".py" or (path / "__init__.py").exists()
        if (path.parent / "__init__.py").exists() and path.stem not in FIXED | {"__init__"}
    }
    assert {(part, name) for part, name in more if part not in PURE} == set(MORE)
    for contract in part_contracts():
        assert contract["exhaustive"], contract["name"]
        assert not contract.get("exhaustive_ignores"), contract["name"]


OTHER_PARTS = {
    ("services.console.consents.api", "services.console.intake.queries"),
    ("services.console.directory.api", "services.console.places.actions"),
    ("services.console.directory.api", "services.console.places.queries"),
    ("services.console.listings.api", "services.console.directory.queries"),
    ("services.notifications.deliveries.api", "services.notifications.endpoints.queries"),
    ("services.registration.arrivals.api", "services.registration.manifests.actions"),
    ("services.registration.gate.api", "services.registration.arrivals.actions"),
    ("services.registration.gate.api", "services.registration.arrivals.queries"),
    ("services.registration.gate.api", "services.registration.wristbands.actions"),
    ("services.registration.intake.api", "services.registration.households.queries"),
    ("services.registration.intake.api", "services.registration.identity_checks.actions"),
    ("services.registration.intake.api", "services.registration.people.queries"),
}
"""Where an API looks up something of another part before it calls its own: a person, a household, an endpoint.
A correction says which identity check it used.
The gate has queries only: it calls the actions of the parts that own batches and bands."""


def used_by(module: str) -> set[str]:
    """The modules and names that a module imports."""
    code = ast.parse((ROOT / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8"))
    return {
        name
        for node in ast.walk(code)
        if isinstance(node, ast.ImportFrom) and node.module
        for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
    }


def test_an_api_calls_other_parts_only_where_that_is_said():
    """Seen to fail with the access log of timelines, and with an entry that nothing needs."""
    found = {
        (module, ".".join(name.split(".")[:4]))
        for module in APIS
        for name in used_by(module)
        if name.startswith("services.") and set(name.split(".")[3:4]) & {"actions", "queries"}
        if not name.startswith(f"{module.removesuffix('.api')}.")
    }
    assert found == OTHER_PARTS


@pytest.mark.parametrize("module", APIS)
def test_an_api_calls_actions_or_queries_of_its_own_part(module: str):
    """What an API does is in its part. Seen to fail with the import of `queries` taken out of one that has no other."""
    if not routes_of(module):
        return
    part = module.removesuffix(".api")
    assert any(name.startswith((f"{part}.actions", f"{part}.queries")) for name in used_by(module)), module
