"""The rules of import of the project, held by import-linter (its cache overlooks deleted files, so it is off)."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ["registration", "referral", "provider_directory", "notifications"]


def test_no_import_crosses_a_line():
    linter = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_starts_with_only_its_own_code(service, tmp_path):
    """What its image holds is enough: libs and the one service. A forbidden import fails here too."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "libs", tmp_path / "libs", ignore=ignore)
    (tmp_path / "services").mkdir()
    shutil.copy(ROOT / "services" / "__init__.py", tmp_path / "services")
    shutil.copytree(ROOT / "services" / service, tmp_path / "services" / service, ignore=ignore)
    code = f"import services.{service}.app, services.{service}.cli"
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_every_part_of_every_service_is_held_to_the_rule_about_its_files():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    held = {name for contract in contracts for name in contract.get("containers", []) if name.count(".") == 2}
    parts = {
        f"services.{folder.parent.name}.{folder.name}"
        for folder in (ROOT / "services").glob("*/*/")
        if (folder / "__init__.py").exists() and not folder.name.endswith("migrations")
    }
    assert parts == held
