"""Finding a browser: the order of places, and no program that does not start."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.browser import fetching, finding
from deploy.local.installation import DEFAULT_PACK, ROOT
from deploy.local.people import PeopleBook
from deploy.screenshots.pictures import PICTURES
from services.console import menu
from services.console.sessions import Rights
from tests.sharing_out import scope_of

Program = Callable[..., Path]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    def made(name: str, *, says: str = "Chromium 1.2.3", code: int = 0) -> Path:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\necho '{says}'\nexit {code}\n")
        path.chmod(0o755)
        return path

    return made


@pytest.fixture(autouse=True)
def nothing_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable, nothing remembered, no program of Playwright's; the PATH has this test's folder only."""
    monkeypatch.delenv(finding.VARIABLE, raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/nowhere")
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "of-playwright"))
    monkeypatch.setattr(finding, "REMEMBERED", tmp_path / "remembered")
    monkeypatch.setattr(finding, "NAMES", ("a-chromium", "another-chromium"))


def test_the_variable_comes_before_all_others_and_is_not_replaced_in_silence(
    program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program("a-chromium")
    own = program("own")
    monkeypatch.setenv(finding.VARIABLE, str(own))
    assert finding.find() == own
    monkeypatch.setenv(finding.VARIABLE, str(tmp_path / "missing"))
    with pytest.raises(finding.NoBrowserError, match=finding.VARIABLE):
        finding.find()


def test_a_program_that_does_not_start_or_is_no_chromium_is_passed_over(program: Program) -> None:
    program("a-chromium", code=127)
    other = program("another-chromium")
    assert finding.find() == other
    program("another-chromium", says="something else 1.0")
    assert finding.find() is None


def test_what_was_found_is_remembered_and_forgotten_when_it_is_gone(program: Program) -> None:
    kept = program("kept-elsewhere")
    finding.remember(kept)
    assert finding.find() == kept
    kept.unlink()
    assert finding.find() is None


def test_the_chromium_that_playwright_has_downloaded_is_found(tmp_path: Path) -> None:
    shell = tmp_path / "of-playwright" / "chromium_headless_shell-1" / "chrome-linux" / "headless_shell"
    shell.parent.mkdir(parents=True)
    shell.write_text("#!/bin/sh\necho 'HeadlessChrome 1'\n")
    shell.chmod(0o755)
    assert finding.find() == shell


def test_every_way_that_failed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "Error: no such host\n")

    monkeypatch.setattr(fetching.subprocess, "run", refused)
    monkeypatch.setattr(fetching.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(fetching.os, "geteuid", lambda: 0)
    said: list[str] = []
    with pytest.raises(finding.NoBrowserError, match="no such host") as told:
        fetching.fetch(said.append)
    assert len(said) == 3
    assert all(way.removeprefix("fetching a Chromium: ") in str(told.value) for way in said)


@pytest.mark.parametrize(("required", "outcome"), [("", "1 skipped"), ("required", "1 failed")])
def test_without_a_browser_a_test_is_skipped_with_the_reason_and_fails_where_it_must_not_be(
    required: str, outcome: str, tmp_path: Path
) -> None:
    (tmp_path / "test_one.py").write_text(
        "from tests.browser import a_browser\ndef test_one():\n    assert a_browser()\n", encoding="utf-8"
    )
    environment = {
        "PATH": "/bin",
        "PYTHONPATH": str(ROOT),
        "ENLACE_CHROMIUM": str(tmp_path / "missing"),
        "ENLACE_BROWSER_TESTS": required,
    }
    command = [sys.executable, "-m", "pytest", "-q", "-ra", "-p", "no:cacheprovider", str(tmp_path)]
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert outcome in run.stdout, run.stdout + run.stderr
    assert "ENLACE_CHROMIUM names" in run.stdout


def test_the_files_that_share_the_system_of_the_console_stay_in_one_worker() -> None:
    files = ["tests/console/browser/test_one.py", "tests/console/browser/test_two.py", "tests/console/test_start.py"]
    tests = [f"{file}::test_it" for file in files]
    assert [scope_of(test) for test in tests] == ["tests/console/browser/"] * 2 + [files[2]]


def test_long_tests_that_share_nothing_go_to_several_workers() -> None:
    tests = [f"tests/docs/test_extending.py::test_a_section[{section}]" for section in ("A clock", "A view")]
    assert [scope_of(test) for test in tests] == tests


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_each_picture_is_of_a_view_that_its_person_has(picture) -> None:
    person = next(one for one in PeopleBook(DEFAULT_PACK).everybody() if picture.role in one.roles)
    rights = Rights(
        scopes=person.scopes,
        organization_id=None if person.organization_id is None else str(person.organization_id),
        staff=person.staff,
    )
    assert any(picture.path == view.path or picture.path.startswith(f"{view.path}/") for view in menu.of(rights))
