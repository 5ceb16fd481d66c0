"""Finds the regular expressions in the code and how each is used. It reads the source; it imports a module only to get
the value of a constant."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

FOLDERS = ("libs", "services", "deploy", "bench")
_FUNCTIONS = frozenset({"compile", "match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"})
_AT_START = frozenset({"match", "fullmatch"})
_FLAGS = {"IGNORECASE": "i", "I": "i", "MULTILINE": "m", "M": "m", "DOTALL": "s", "S": "s"}


@dataclass(frozen=True, slots=True)
class Pattern:
    """One regular expression."""

    place: str
    """File and line."""
    source: str
    """The pattern in Python's syntax. It is anchored if all its uses match only at the start of a text."""
    flags: str = ""


class Unreadable(Exception):  # noqa: N818 (a state)
    """A pattern is built while the program runs, so it cannot be judged before."""


def patterns(root: Path) -> Iterator[Pattern]:
    """Every pattern in the code. Raises Unreadable with the place of a pattern that is not a constant."""
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            if "node_modules" not in path.parts:
                yield from of_source(path.read_text(encoding="utf-8"), path.relative_to(root).as_posix())


def of_source(text: str, name: str) -> Iterator[Pattern]:
    """The patterns of one module."""
    tree = ast.parse(text)
    uses = _uses(tree)
    names = {id(node.value): _target(node) for node in ast.walk(tree) if isinstance(node, ast.Assign | ast.AnnAssign)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "re":
            raise Unreadable(f"{name}:{node.lineno}: write `import re`, so that patterns are found")
        if isinstance(node, ast.Call):
            yield from _of_call(node, name, uses.get(names.get(id(node), ""), set()))


def _of_call(node: ast.Call, name: str, uses: set[str]) -> Iterator[Pattern]:
    place = f"{name}:{node.lineno}"
    function = node.func
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == "re":
        if function.attr in _FUNCTIONS:
            found = _pattern(node.args[0], place, name)
            used = {function.attr} if function.attr != "compile" else uses
            yield replace(_anchored(found, used), flags=_flags(node))
        return
    for keyword in node.keywords:
        if keyword.arg == "pattern" and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is None):
            yield _pattern(keyword.value, place, name)


def _pattern(node: ast.expr, place: str, name: str) -> Pattern:
    value = node.value if isinstance(node, ast.Constant) else _constant(node, name)
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if not isinstance(value, str):
        raise Unreadable(f"{place}: the pattern is no constant, so that nobody can judge it")
    return Pattern(place, value)


def _constant(node: ast.expr, name: str) -> Any:
    """The value of a name in the module; None if the expression is not a name."""
    if not isinstance(node, ast.Name):
        return None
    module = import_module(name.removesuffix(".py").replace("/", "."))
    return getattr(module, node.id, None)


def _anchored(found: Pattern, uses: set[str]) -> Pattern:
    """The pattern with anchors if all its uses match at the start.

    A search starts again at every character. So a pattern can be linear at the start of a text, but not in a search.
    """
    if uses and uses <= _AT_START:
        return replace(found, source=f"^(?:{found.source}){'$' if uses == {'fullmatch'} else ''}")
    return found


def _uses(tree: ast.Module) -> Mapping[str, set[str]]:
    """The methods that are called on each name. A name with any other use counts as used for a search."""
    called: dict[str, set[str]] = {}
    known = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            called.setdefault(node.value.id, set()).add(node.attr)
            known.add(id(node.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and id(node) not in known:
            called.setdefault(node.id, set()).add("search")
    return called


def _target(node: ast.Assign | ast.AnnAssign) -> str:
    """The private name that is assigned. Other names give an empty text, because other modules may use them."""
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    return target.id if isinstance(target, ast.Name) and target.id.startswith("_") else ""


def _flags(node: ast.Call) -> str:
    given = [*node.args[1:], *(keyword.value for keyword in node.keywords if keyword.arg == "flags")]
    named = {part.attr for one in given for part in ast.walk(one) if isinstance(part, ast.Attribute)}
    return "".join(sorted({_FLAGS[one] for one in named if one in _FLAGS}))


def as_javascript(found: Pattern) -> tuple[str, str]:
    """Source and flags in the syntax of ECMAScript, which recheck reads."""
    source, flags = found.source, found.flags
    inline = re.match(r"\(\?([ims]+)\)", source)
    if inline:
        source, flags = source[inline.end() :], "".join(sorted({*flags, *inline[1]}))
    for ours, theirs in (("(?P<", "(?<"), (r"\A", "^"), (r"\Z", "$")):
        source = source.replace(ours, theirs)
    source = re.sub(r"\(\?P=(\w+)\)", r"\\k<\1>", source)
    return re.sub(r"\{([0-9]+)(?:(,)([0-9]*))?\}", _few, source), flags


def _few(found: re.Match[str]) -> str:
    """A bounded repetition with small bounds. The bounds do not change how the cost grows, but large ones make the
    judgement slow."""
    least, comma, most = found[1], found[2] or "", found[3] or ""
    return "{" + str(min(int(least), 3)) + comma + (str(min(int(most), 4)) if most else "") + "}"
