"""The table as data, and its checks.

`docs/security/asvs-5.0.0.yaml` is the list of requirements that OWASP published. `docs/security/asvs.yaml` says for
each requirement whether it is met, and where. A place is a path, or a path and a name:
`libs/chassis/tokens.py::ALGORITHMS`.
"""

import ast
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from deploy.local.installation import ROOT
from libs.chassis.yaml_files import read_yaml

TABLE: Final = "docs/security/asvs.yaml"
LEVELS: Final = "docs/security/asvs-5.0.0.yaml"


class State(StrEnum):
    """The state of a requirement."""

    MET = "met"
    OPEN = "open"
    NOT_APPLICABLE = "not applicable"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Requirement(_Strict):
    """One line of the table."""

    id: str = Field(pattern=r"^V\d+\.\d+\.\d+$")
    asks: str = Field(min_length=1)
    """The requirement in our words."""
    state: State
    code: tuple[str, ...] = ()
    """The places where it is met: code, settings, or a page if the requirement is about documents."""
    tests: tuple[str, ...] = ()
    """Tests that fail if the requirement is not met."""
    because: str = ""
    """The name of a reason that several entries share."""
    why: str = ""
    """What is missing, why it does not apply, or a necessary explanation."""


class Table(_Strict):
    """The table in its file."""

    reasons: dict[str, str]
    """Reasons that several entries share: name → reason."""
    requirements: tuple[Requirement, ...]


class Levels(_Strict):
    """The published list: requirement → level, and chapter → title."""

    source: str
    url: str
    copyright: str
    licence: str
    licence_url: str
    changes: str
    chapters: dict[str, str]
    requirements: dict[str, int]


@cache
def table() -> Table:
    """The table of this repository. Raises ValidationError if an entry does not have the required form."""
    return Table.model_validate(read_yaml(ROOT / TABLE))


@cache
def levels() -> Levels:
    """The published list."""
    return Levels.model_validate(read_yaml(ROOT / LEVELS))


def faults(told: Table, wanted: Mapping[str, int], root: Path) -> list[str]:
    """The faults of the table, such as a missing entry, an entry without a reason, or a path that is not in `root`."""
    lines, shared = told.requirements, told.reasons
    ids = [line.id for line in lines]
    found = [f"{id_} is not in the table" for id_ in wanted if id_ not in ids]
    found += [f"{id_} is not among the requirements" for id_ in ids if id_ not in wanted]
    if not found and ids != list(wanted):
        found.append("each requirement stands once, in the order of the published list")
    found += [f"{line.id}: there is no reason {line.because}" for line in lines if line.because not in ("", *shared)]
    found += [f"no line has the reason {name}" for name in shared.keys() - {line.because for line in lines}]
    return found + [f"{line.id}: {fault}" for line in lines for fault in _faults_of(line, root)]


def _faults_of(line: Requirement, root: Path) -> Iterator[str]:
    if line.state is not State.MET and not (line.why or line.because):
        yield f"{line.state} without a reason"
    if line.state is State.MET and not line.code:
        yield "met without a place in code or documents"
    if line.state is State.MET and not (line.tests or line.why or line.because):
        yield "met without a test, and without a reason why there is none"
    if line.state is State.NOT_APPLICABLE and line.code:
        yield "not applicable, and yet there is code for it"
    yield from (f"there is no {place}" for place in line.code if not _exists(root, place))
    for place in line.tests:
        path, _, name = place.partition("::")
        if not path.startswith("tests/") or not name.startswith("test_"):
            yield f"{place} names no test"
        elif not _exists(root, place):
            yield f"there is no {place}"


def _exists(root: Path, place: str) -> bool:
    path, _, name = place.partition("::")
    file = root / path
    if not name:
        return file.exists()
    return file.is_file() and name in (_names_of(file) if file.suffix == ".py" else file.read_text(encoding="utf-8"))


@cache
def _names_of(file: Path) -> frozenset[str]:
    """The names of functions, classes and values that a module defines, also inside classes and functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return frozenset(names)
