"""What the pages say is there: commands exist, links lead somewhere, modules can be run."""

import importlib.util
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES += sorted((ROOT / "services").glob("*/README.md")) + sorted((ROOT / "libs").glob("*/README.md"))
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_make_command_on_the_page_exists(page):
    named = set(re.findall(r"\bmake ([a-z][a-z-]+)\b(?=[`\s]|$)", _code(page)))
    assert named <= TARGETS


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_on_the_page_leads_to_a_file(page):
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    targets += re.findall(r'<(?:img|a) (?:src|href)="([^"#]+)', text)
    missing = [link for link in targets if "://" not in link and not (page.parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_module_that_the_page_runs_exists(page):
    modules = re.findall(r"python3? -m ([a-z_][a-z_.]+)", page.read_text(encoding="utf-8"))
    ours = [name for name in modules if name.split(".")[0] in {"deploy", "services", "libs", "bench"}]
    assert not [name for name in ours if importlib.util.find_spec(name) is None]


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_path_of_the_project_that_the_page_names_exists(page):
    """A path after "New file" is made by who follows the page."""
    text = re.sub(r"^New file `.*$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    named = re.findall(r"`((?:services|libs|deploy|tests|docs)/[A-Za-z0-9_./-]+)`", text)
    assert not [name for name in named if not (ROOT / name).exists()]


def test_bare_make_lists_every_command():
    listed = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {target for target in TARGETS if f"make {target} " in listed} == TARGETS


def _code(page: Path) -> str:
    """Code of a page: fenced and indented blocks, and spans in backticks."""
    text = page.read_text(encoding="utf-8")
    fenced = re.findall(r"```[a-z]*\n(.*?)```", text, re.DOTALL)
    indented = re.findall(r"^ {4}(.*)$", text, re.MULTILINE)
    spans = re.findall(r"`([^`\n]+)`", text)
    return "\n".join([*fenced, *indented, *spans])
