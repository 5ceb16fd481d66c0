"""The gate over the files: what was published holds, whether the tree still says so or only git remembers it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploy.contracts.files import (
    MESSAGES,
    SCHEMAS,
    broken_promises,
    made,
    stale,
    unlisted,
    without_message,
    write,
)
from deploy.contracts.history import versions_of
from libs.events.contracts.messages import LEDGER, digests_in, ledger_text
from libs.events.contracts.schemas import Schema
from tests.contract.events.reading import CONTRACTS, ROOT

TOPIC, TYPE = "enlace.referral", "offer.declined.v1"
SCHEMA = f"{SCHEMAS}/{TOPIC}/{TYPE}.json"
MESSAGE = f"{MESSAGES}/{TOPIC}/{TYPE}/usual.json"


def git(root: Path, *arguments: str) -> None:
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *arguments], cwd=root, check=True, capture_output=True)


def commit(root: Path) -> None:
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "published")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository in which one type is published: its schema, its messages and their ledger."""
    for part in ("schemas", "messages"):
        shutil.copytree(CONTRACTS / part / TOPIC, tmp_path / "docs/contracts" / part / TOPIC)
    for path in (tmp_path / SCHEMAS / TOPIC).iterdir():
        if path.stem != TYPE:
            path.unlink()
    write_ledger(tmp_path)
    git(tmp_path, "init", "-q")
    commit(tmp_path)
    return tmp_path


def write_ledger(root: Path) -> None:
    folder = root / MESSAGES
    (folder / LEDGER).write_text(ledger_text(digests_in(folder)), encoding="utf-8")


def published(root: Path) -> Schema:
    schema: Schema = json.loads((root / SCHEMA).read_text(encoding="utf-8"))
    return schema


def changed(root: Path, change: Callable[[Schema], object]) -> dict[str, Schema]:
    """What the catalogue would say after a change of the type."""
    schema = published(root)
    change(schema)
    return {SCHEMA: schema}


def without_reason(schema: Schema) -> None:
    del schema["properties"]["reason"]
    schema["required"].remove("reason")


def test_a_tree_in_which_nothing_was_broken_passes(tree: Path) -> None:
    assert broken_promises(tree, {SCHEMA: published(tree)}) == []


def test_a_broken_schema_is_refused_against_the_tree(tree: Path) -> None:
    shutil.rmtree(tree / ".git")
    assert broken_promises(tree, changed(tree, without_reason)) == [f"{SCHEMA}: reason: the field was removed"]


def test_a_broken_schema_is_refused_though_its_file_was_overwritten_too(tree: Path) -> None:
    """Seen to fail when only the tree was compared."""
    now = changed(tree, without_reason)
    (tree / SCHEMA).write_text(json.dumps(now[SCHEMA]), encoding="utf-8")
    assert broken_promises(tree, now) == [f"{SCHEMA}: reason: the field was removed"]
    commit(tree)
    assert broken_promises(tree, now) == [f"{SCHEMA}: reason: the field was removed"]


def test_a_type_without_a_message_as_an_example_is_named(tmp_path: Path) -> None:
    assert without_message(ROOT) == []
    shutil.copytree(ROOT / MESSAGES, tmp_path / MESSAGES)
    (tmp_path / MESSAGE).unlink()
    assert without_message(tmp_path) == [MESSAGE]


def test_a_published_type_can_not_go(tree: Path) -> None:
    (tree / SCHEMA).unlink()
    commit(tree)
    assert broken_promises(tree, {}) == [f"{SCHEMA}: a published type is gone from the catalogue"]


def test_an_optional_field_may_come_but_never_go_again(tree: Path) -> None:
    before = published(tree)
    more = changed(tree, lambda schema: schema["properties"].update(round={"type": "integer", "default": 0}))
    assert broken_promises(tree, more) == []
    (tree / SCHEMA).write_text(json.dumps(more[SCHEMA]), encoding="utf-8")
    commit(tree)
    (tree / SCHEMA).write_text(json.dumps(before), encoding="utf-8")
    assert broken_promises(tree, {SCHEMA: before}) == [f"{SCHEMA}: round: the field was removed"]


def test_a_golden_message_can_not_be_changed_nor_its_line_in_the_ledger(tree: Path) -> None:
    now = {SCHEMA: published(tree)}
    message = json.loads((tree / MESSAGE).read_text(encoding="utf-8"))
    (tree / MESSAGE).write_text(json.dumps(message | {"key": "other"}), encoding="utf-8")
    (fault,) = broken_promises(tree, now)
    assert f"{TYPE}/usual.json was changed" in fault
    write_ledger(tree)
    (fault,) = broken_promises(tree, now)
    assert f"{TYPE}/usual.json is in an earlier ledger" in fault


def test_a_golden_message_can_not_be_removed(tree: Path) -> None:
    now = {SCHEMA: published(tree)}
    (tree / MESSAGE).unlink()
    assert [f"{TYPE}/usual.json was removed" in fault for fault in broken_promises(tree, now)] == [True]
    write_ledger(tree)
    commit(tree)
    assert ["earlier ledger" in fault for fault in broken_promises(tree, now)] == [True]


def test_a_new_golden_message_has_to_be_listed(tree: Path) -> None:
    new = tree / MESSAGES / TOPIC / TYPE / "later.json"
    shutil.copy(tree / MESSAGE, new)
    assert unlisted(tree) == [f"{TOPIC}/{TYPE}/later.json"]
    write(tree, {})
    assert unlisted(tree) == []
    assert broken_promises(tree, {SCHEMA: published(tree)}) == []


def test_git_remembers_every_version_of_a_file(tree: Path) -> None:
    first = (tree / MESSAGE).read_bytes()
    (tree / MESSAGE).write_bytes(b"second\n")
    commit(tree)
    (tree / MESSAGE).unlink()
    commit(tree)
    assert sorted(versions_of(tree, MESSAGES)[MESSAGE]) == sorted([first, b"second\n"])
    shutil.rmtree(tree / ".git")
    assert versions_of(tree, MESSAGES) == {}


def test_the_generated_files_of_the_project_are_up_to_date_and_a_touched_one_is_told(tmp_path: Path) -> None:
    now = made(ROOT)
    assert stale(ROOT, now.texts) == []
    assert set(stale(tmp_path, now.texts)) == set(now.texts)
    write_to: dict[str, Any] = dict(now.texts)
    (tmp_path / MESSAGES).mkdir(parents=True)
    write(tmp_path, write_to)
    assert stale(tmp_path, now.texts) == []
    (tmp_path / SCHEMA).write_text("{}", encoding="utf-8")
    assert stale(tmp_path, now.texts) == [SCHEMA]
