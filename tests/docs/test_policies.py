"""The page of what has been decided about security knows every key, connection and limit that the code has."""

from __future__ import annotations

import ast
import re
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from libs.chassis.settings import CommonSettings
from tests.contract.apis import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security" / "policies.md").read_text(encoding="utf-8")
_LIMIT = re.compile(r"[A-Z_]+_MAX(_[A-Z]+)?|LARGEST_[A-Z]+|DEEPEST")


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def variables() -> dict[str, Any]:
    """Every variable that a service reads, with the type of its value."""
    found: dict[str, Any] = {}
    for service, (name, _) in SETTINGS.items():
        settings: type[CommonSettings] = getattr(import_module(f"services.{service}.settings"), name)
        for field_name, field in settings.model_fields.items():
            found[str(field.validation_alias or field_name)] = field.annotation
    return found


def limits() -> dict[str, Any]:
    """Limits that outsiders meet: constants of rules, bodies and what all services share."""
    paths = [*ROOT.glob("services/*/*/rules.py"), *ROOT.glob("services/*/*/schemas.py")]
    paths += [*ROOT.glob("libs/chassis/*.py"), *ROOT.glob("libs/wire/*.py")]
    found = {}
    for path in paths:
        name = path.relative_to(ROOT).as_posix()
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target] if _typed(node) else []
            for target in targets:
                if isinstance(target, ast.Name) and _LIMIT.fullmatch(target.id) and not target.id.startswith("JITTER"):
                    module = import_module(name.removesuffix(".py").replace("/", "."))
                    found[f"{name}::{target.id}"] = getattr(module, target.id)
    return found


def _typed(node: ast.stmt) -> bool:
    return isinstance(node, ast.AnnAssign)


def shown(value: Any) -> str:
    return f"{value // timedelta(hours=1)} hours" if isinstance(value, timedelta) else f"{value:,}"


def test_every_secret_setting_is_among_the_keys():
    secret = {name for name, kind in variables().items() if "SecretStr" in str(kind) or kind is SecretStr}
    assert len(secret) >= 4
    assert not {name for name in secret if f"`{name}`" not in section("Keys")}


def test_every_address_setting_is_among_the_connections():
    addresses = {name for name in variables() if re.search(r"_URL$|_SERVERS$|_ISSUER$", name)}
    assert len(addresses) >= 9
    assert not {name for name in addresses if f"`{name}`" not in section("Connections")}


@pytest.mark.parametrize(("place", "value"), sorted(limits().items()))
def test_every_limit_of_the_code_is_on_the_page(place: str, value: Any):
    row = next((line for line in section("Limits").splitlines() if f"`{place}`" in line), "")
    assert row, "no row tells of it"
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    names = re.findall(r"`([^`]+)`", cells[2])
    assert cells[1].split("; ")[names.index(place)] == shown(value)
