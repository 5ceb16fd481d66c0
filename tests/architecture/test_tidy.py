"""Small, and it stays small: lengths of files and functions as a ratchet, and names that say nothing refused."""

import ast
import json
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILE_LINES_MAX = 300
FUNCTION_LINES_MAX = 40
LEDGER = Path(__file__).with_name("tidy_ledger.json")
"""What is longer than the bound today, with its length: a number in it may fall, never rise."""
EMPTY_NAMES = {"utils", "helpers", "common", "misc", "core", "manager", "service", "models"}


@cache
def _sources() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [
        ROOT / name for name in listed.stdout.split() if (ROOT / name).exists() and "migrations/versions" not in name
    ]


@cache
def _lengths() -> dict[str, int]:
    """Every file and function beyond its bound, with its length in lines."""
    found: dict[str, int] = {}
    for path in _sources():
        text, name = path.read_text(encoding="utf-8"), str(path.relative_to(ROOT))
        lines = text.count("\n")
        if lines > FILE_LINES_MAX:
            found[name] = lines
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_LINES_MAX:
                    found[f"{name}::{node.name}"] = length
    return found


def test_nothing_grows_past_its_bound():
    allowed = json.loads(LEDGER.read_text(encoding="utf-8"))
    grown = {name: length for name, length in _lengths().items() if length > allowed.get(name, 0)}
    assert not grown, f"longer than the bound (or than the ledger says): {grown}"


def test_the_ledger_of_long_things_is_kept_current():
    now, allowed = _lengths(), json.loads(LEDGER.read_text(encoding="utf-8"))
    stale = {name: length for name, length in allowed.items() if now.get(name, 0) < length}
    assert not stale, f"shorter than the ledger says, lower or drop them there: {stale}"


def test_no_module_has_a_name_that_says_nothing():
    assert not [path for path in _sources() if path.stem in EMPTY_NAMES]


def test_every_package_says_in_a_sentence_what_it_holds():
    silent = [
        path
        for path in _sources()
        if path.name == "__init__.py" and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not silent
