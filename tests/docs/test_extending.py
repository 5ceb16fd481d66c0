"""The page about extending is followed word by word: in a copy of the project its patches fit and its commands pass."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.local.installation import DATABASE_VARIABLES, KAFKA_VARIABLE, OWNER_VARIABLES
from tests.infra import POSTGRES_VARIABLE, PostgresForTests

pytestmark = [pytest.mark.journey, pytest.mark.timeout(1800)]
ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE))
STEP = re.compile(r"(?:New file `([^`]+)`:\n\n)?^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COMMANDS_SECONDS = 600


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A copy of the tracked files as a repository of its own, with the installed packages."""
    root = tmp_path / "enlace"
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in names.rstrip("\0").split("\0"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, root / name, follow_symlinks=False)
    # With the compiled modules; otherwise each copy compiles a thousand modules again.
    for compiled in {(ROOT / name).parent / "__pycache__" for name in names.rstrip("\0").split("\0")}:
        if compiled.is_dir():
            shutil.copytree(compiled, root / compiled.relative_to(ROOT))
    (root / ".venv").symlink_to(sys.prefix)
    if (ROOT / ".enlace" / "tools").exists():
        (root / ".enlace").mkdir()
        (root / ".enlace" / "tools").symlink_to(ROOT / ".enlace" / "tools")
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    for arguments in (["init", "-q"], ["add", "-A"], [*who, "commit", "-q", "-m", "as it is"]):
        subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True)
    yield root
    down = [sys.executable, "-m", "deploy.local", "down"]
    subprocess.run(down, cwd=root, env=apart(), capture_output=True, check=False)


def apart(**more: str) -> dict[str, str]:
    """The environment without the addresses of other databases and of another Kafka."""
    others = {KAFKA_VARIABLE, POSTGRES_VARIABLE, *DATABASE_VARIABLES, *OWNER_VARIABLES}
    kept = {name: value for name, value in os.environ.items() if name not in others}
    return {name: value for name, value in kept.items() if not name.startswith("PYTEST_")} | more


def follow(section: str, root: Path, environment: dict[str, str] | None) -> str:
    """Take the steps of a section in their order; returns what its commands printed. Without an environment no command
    is run."""
    printed = ""
    steps = STEP.findall(SECTIONS[section])
    assert steps
    for new_file, kind, text in steps:
        if new_file:
            write(root, new_file, text)
        elif kind == "diff":
            run = subprocess.run(
                ["git", "apply", "--recount", "-"], cwd=root, input=text, capture_output=True, text=True, check=False
            )
            assert run.returncode == 0, f"{run.stderr}\n{text}"
        elif environment is not None:
            assert kind == "sh", kind
            printed += commands(root, text, environment)
    return printed


def write(root: Path, name: str, text: str) -> None:
    """A new file; in a migration, the numbers follow the last migration of its service."""
    if "NNNN" in name:
        last = max(int(path.name[:4]) for path in (root / name).parent.glob("[0-9]*.py"))
        name = name.replace("NNNN", f"{last + 1:04}")
        text = text.replace("NNNN", f"{last + 1:04}").replace("LAST", f"{last:04}")
    path = root / name
    assert not path.exists(), name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def commands(root: Path, text: str, environment: dict[str, str]) -> str:
    """What they printed. If they take too long, everything that they started in their session ends with them."""
    line = ["bash", "-c", f"set -euo pipefail\n{text}"]
    with subprocess.Popen(
        line,
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as run:
        try:
            printed, errors = run.communicate(timeout=COMMANDS_SECONDS)
        except BaseException:
            os.killpg(run.pid, signal.SIGKILL)
            raise
    assert run.returncode == 0, f"{text}\n{printed[-6000:]}\n{errors[-4000:]}"
    return printed


def in_style(root: Path) -> None:
    """What the page adds passes the linter, as it must in a change of the project."""
    subprocess.run(["git", "add", "-A", "-N"], cwd=root, check=True, capture_output=True)
    changed = subprocess.run(
        ["git", "diff", "--name-only"], cwd=root, capture_output=True, text=True, check=True
    ).stdout
    python = [name for name in changed.split() if name.endswith(".py")]
    for check in (["check"], ["format", "--check"]):
        line = [sys.executable, "-m", "ruff", *check, "--no-cache", *python]
        run = subprocess.run(line, cwd=root, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout + run.stderr


def test_the_changes_of_every_section_fit_and_are_in_style(project: Path) -> None:
    """Without the commands, which take minutes (`make test-long`)."""
    for section in SECTIONS:
        follow(section, project, None)
        in_style(project)
        for arguments in (["reset", "-q", "--hard"], ["clean", "-fdq"]):
            subprocess.run(["git", *arguments], cwd=project, check=True, capture_output=True)


@pytest.mark.parametrize("section", ["A category of need", "An event type", "A clock", "A view of the console"])
def test_a_section_that_changes_the_project_holds(
    section: str, project: Path, postgres_server: PostgresForTests
) -> None:
    printed = follow(section, project, apart(**{POSTGRES_VARIABLE: postgres_server.url}))
    assert re.search(r"\d+ passed", printed)
    assert "failed" not in printed
    assert "skipped" not in printed
    in_style(project)


def test_the_section_about_a_language_holds(project: Path) -> None:
    printed = follow("A language of the console", project, apart())
    assert re.search(r"^[1-9]\d{2,}$", printed, re.MULTILINE), "texts are missing in a new language"
    assert re.search(r"\d+ passed", printed)
    assert "failed" not in printed
    head, said = (project / "services/console/locales/fr.po").read_text(encoding="utf-8").split("\n\n", 1)
    assert "plural=(n > 1)" in head
    assert 'msgid "Sign in"\nmsgstr "Se connecter"' in said


def test_the_sections_about_a_pack_and_a_listener_hold(project: Path, postgres_server: PostgresForTests) -> None:
    """The listener follows the system that was started with the new pack."""
    url = postgres_server.new_database("service_list")
    printed = follow("A country pack", project, apart())
    assert "pack: el_salvador is in order" in printed
    rights = follow("A service of your own that listens", project, apart(SERVICE_LIST_DATABASE_URL=url))
    assert "User:service-list" in rights
    listed = asyncio.run(rows(url, "SELECT category, status FROM listed_service"))
    assert len(listed) > 50
    assert {row["status"] for row in listed} == {"active"}
    in_style(project)


async def rows(url: str, query: str) -> list[Any]:
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(query))
    finally:
        await connection.close()


def test_every_section_is_followed() -> None:
    assert set(SECTIONS) == {
        "A category of need", "A country pack", "An event type", "A clock", "A view of the console",
        "A language of the console", "A service of your own that listens",
    }  # fmt: skip
