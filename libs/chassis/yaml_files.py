"""YAML files, such as those of a country pack: reading them, and what their models have in common.

They are read with the parser in C. With the parser in Python, a country pack would delay the start of a service.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from yaml.nodes import MappingNode, Node, SequenceNode

M = TypeVar("M", bound=BaseModel)


class PackPart(BaseModel):
    """A part of a country pack. It is frozen, and a field that it does not declare is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class FileFault:
    """A mistake in a file: the line (the first is 1), the key with dots between its parts, and what is wrong."""

    file: str
    line: int
    key: str
    why: str

    @property
    def place(self) -> str:
        """Where it is, such as `routing.yaml:31: categories.food.clocks`."""
        return f"{self.file}:{self.line}: {self.key}" if self.key else f"{self.file}:{self.line}"

    def __str__(self) -> str:
        return f"{self.place}: {self.why}"


class FaultyFileError(ValueError):
    """A file cannot be used. A service that reads it does not start, and reports `refused_settings`."""

    def __init__(self, faults: Sequence[FileFault]) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = tuple(faults)
        self.refused_settings = {fault.place: fault.why for fault in faults}


@dataclass(frozen=True, slots=True)
class YamlFile:
    """The content of a file in plain types, and the lines of its keys."""

    path: Path
    content: Any
    root: Node | None

    def fault(self, keys: Sequence[str | int], why: str) -> FileFault:
        """A mistake in the value at these keys. Where the file lacks one of them, the line is that of its parent."""
        shown = [str(key) for key in keys if key != "[key]"]  # pydantic marks a wrong key itself in this way
        return FileFault(self.path.name, _line(self.root, keys), ".".join(shown), why)

    def model(self, model: type[M], **more: Any) -> M:
        """The content as a model, with values from elsewhere in `more`. Raises FaultyFileError."""
        if not isinstance(self.content, dict):
            raise FaultyFileError([self.fault((), "the file must have keys with values")])
        try:
            return model.model_validate(self.content | more)
        except ValidationError as error:
            raise FaultyFileError([self.fault(one["loc"], one["msg"]) for one in error.errors()]) from None


def open_yaml(path: Path) -> YamlFile:
    """Read a file. Raises FaultyFileError for a file that is missing or not YAML, or in which a key occurs twice."""
    try:
        loader = yaml.CSafeLoader(path.read_text(encoding="utf-8"))
        try:
            root = loader.get_single_node()
            if repeated := [*_repeated_keys(path, root)]:
                raise FaultyFileError(repeated)
            content = None if root is None else loader.construct_document(root)
        finally:
            loader.dispose()
    except OSError as error:
        raise FaultyFileError([FileFault(path.name, 1, "", error.strerror or "cannot be read")]) from None
    except UnicodeDecodeError:
        raise FaultyFileError([FileFault(path.name, 1, "", "the file is not UTF-8")]) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        why = getattr(error, "problem", None) or "the file is not YAML"
        raise FaultyFileError([FileFault(path.name, mark.line + 1 if mark else 1, "", why)]) from None
    except FaultyFileError:
        raise
    except ValueError as error:  # for example a date in a month that does not exist
        raise FaultyFileError([FileFault(path.name, 1, "", f"a value cannot be read: {error}")]) from None
    return YamlFile(path, content, root)


def read_yaml(path: Path) -> Any:
    """The content of the file; plain types only. Raises FaultyFileError, as `open_yaml` does."""
    return open_yaml(path).content


def read_model(model: type[M], path: Path, **more: Any) -> M:
    """The file as a model, with values from elsewhere in `more`. Raises FaultyFileError with every mistake."""
    return open_yaml(path).model(model, **more)


def _line(node: Node | None, keys: Sequence[str | int]) -> int:
    found = 0 if node is None else node.start_mark.line
    for key in keys:
        if isinstance(node, MappingNode):
            entry = next(((name, value) for name, value in node.value if name.value == str(key)), None)
            if entry is None:
                break
            found, node = entry[0].start_mark.line, entry[1]
        elif isinstance(node, SequenceNode) and isinstance(key, int) and key < len(node.value):
            node = node.value[key]
            found = node.start_mark.line
        else:
            break
    return found + 1


def _repeated_keys(path: Path, root: Node | None) -> Iterator[FileFault]:
    """Of keys that occur twice, YAML would use the last one silently."""
    todo, seen = [root], set[int]()
    while todo:
        node = todo.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, SequenceNode):
            todo.extend(node.value)
        elif isinstance(node, MappingNode):
            names: set[str] = set()
            for name, value in node.value:
                if isinstance(name.value, str) and name.value in names and name.tag != "tag:yaml.org,2002:merge":
                    yield FileFault(path.name, name.start_mark.line + 1, name.value, "the key occurs twice")
                names.add(str(name.value))
                todo.append(value)
