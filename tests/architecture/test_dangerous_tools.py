"""What the services and their libraries don't touch, so that no input can make anything of it: programs, interpreters,
parsers that build objects, weak hashes and ciphers, and generators of numbers that can be foretold."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

RUNS_OR_BUILDS = {
    "subprocess", "pty", "ctypes", "cffi", "pickle", "cPickle", "dill", "marshal", "shelve", "jsonpickle", "xml",
    "lxml", "defusedxml", "jinja2", "mako", "ldap", "ldap3", "smtplib", "imaplib", "pymemcache", "memcache", "ftplib",
    "telnetlib", "paramiko", "requests", "urllib3", "tarfile", "zipfile", "code", "runpy",
}  # fmt: skip
"""Modules that start programs, build objects of what they read, speak to an interpreter, or unpack archives."""
RUNNING_CALLS = {
    "eval", "exec", "compile", "__import__", "os.system", "os.popen", "os.execv", "os.execve", "os.spawnv", "os.fork",
    "asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell", "yaml.unsafe_load", "yaml.full_load",
}  # fmt: skip
MAKES_PAGES = {
    "services/console/pages.py", "services/console/templating.py", "services/console/catalogues.py",
}  # fmt: skip
"""Modules that use Jinja: its templates are files of the tree, and what somebody has typed is only ever a value."""
UNPACKS = {
    "services/registration/manifest_files/rules.py": "manifests in XLSX; their unpacked size is checked before",
}
"""Modules that unpack archives, and why nothing can come of a small archive that becomes large."""
LOADS_MODULES = {
    "libs/events/cli/loading.py": "an operator names the service on the command line",
    "libs/events/contracts/meanings.py": "reads the code's own comments when documents are written",
}
OPENS_FILES = {
    "libs/events/signing.py": "keys that settings name",
    "libs/events/cli/users.py": "a file with a password, named on the command line",
    "libs/events/cli/signing_key.py": "a new key, to the file that its operator names",
    "libs/chassis/cli.py": "an auditor's file, named on the command line",
    "libs/chassis/knowing.py": "an operator's file, named on the command line",
    "libs/chassis/paced_clock.py": "a path of the settings",
    "libs/chassis/revocations.py": "a path of the settings, or one that an operator names on the command line",
    "libs/chassis/spans.py": "a directory of the settings; the name is the service and the process",
    "libs/wire/secret_file.py": "a path of the settings, or of an operator's environment",
    "libs/chassis/yaml_files.py": "files of the country pack, a directory of the settings",
    "libs/events/contracts/messages.py": "files of the repository, when documents are written",
    "services/console/assets.py": "scripts and styles of the tree; a request names one of a fixed table",
    "services/console/catalogues.py": "catalogues and templates of the tree, when the words are brought up to date",
    "services/console/words.py": "catalogues of the tree",
    "services/registration/file_matching/actions.py": "the files that an operator names to `match`",
}
"""Modules that touch files, and where the paths come from: never from what somebody sends."""
PAUSES = {
    "libs/chassis/supervisor.py",
    "libs/events/consumer.py",
    "libs/events/consuming/lanes.py",
    "libs/events/relay.py",
    "services/notifications/deliveries/loop.py",
}
"""Modules that make pauses of uneven length, so that not everybody comes back at once."""
WEAK = {"md5", "sha1", "MD5", "SHA1", "ECB", "CBC", "CTR", "CFB", "OFB", "ARC4", "TripleDES", "Blowfish", "PKCS1v15"}
FILE_METHODS = {"read_text", "read_bytes", "write_text", "write_bytes", "unlink", "mkdir", "rmdir", "rename", "touch"}
FORMATS = {
    ("libs/chassis/foreign_logs.py", "str(record.msg)"): "a library's own message, as logging itself formats it",
    ("services/referral/desk/queries.py", "condition"): "one of the constants of the loop",
    ("services/referral/work_lists/queries.py", "condition"): "one of the constants of the loop",
    ("services/referral/offers/queries.py", "condition"): "one of the constants of the loop",
    ("services/registration/erasure/rules.py", "how.value"): "members of an enum",
    ("services/console/work/actions.py", "act.path"): "a constant of the table of acts",
}
"""Format strings that are no literal and no constant of a module, and what they are."""


@cache
def sources() -> dict[str, ast.Module]:
    """Every module of the libraries and services, but their migrations."""
    paths = [path for folder in ("libs", "services") for path in (ROOT / folder).rglob("*.py")]
    return {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(paths)
        if "migrations" not in path.parts
    }


def imported(module: ast.Module) -> set[str]:
    """Names of modules that a module imports, whole."""
    found: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def roots(module: ast.Module) -> set[str]:
    return {name.split(".")[0] for name in imported(module)}


def loads_modules(module: ast.Module) -> bool:
    """`importlib.resources` reads files that a package carries, and loads nothing."""
    return any(
        name.split(".")[0] == "importlib" and not name.startswith("importlib.resources") for name in imported(module)
    )


def calls(module: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(module) if isinstance(node, ast.Call))


def running(module: ast.Module) -> set[str]:
    return (roots(module) & RUNS_OR_BUILDS) | {ast.unparse(call.func) for call in calls(module)} & RUNNING_CALLS


def made_expressions(module: ast.Module) -> list[str]:
    """Calls of `re` whose expression is no literal."""
    return [
        ast.unparse(call)
        for call in calls(module)
        if ast.unparse(call.func).startswith("re.")
        and not (call.args and isinstance(call.args[0], ast.Constant))
        and "path_regex" not in ast.unparse(call)  # of the framework, made of the routes in the code
    ]


def is_markup(node: ast.expr) -> bool:
    """Whether it is a literal of HTML, whose `format` escapes what is put into it (markupsafe)."""
    return (
        isinstance(node, ast.Call)
        and ast.unparse(node.func) == "Markup"
        and all(isinstance(one, ast.Constant) for one in node.args)
    )


def made_formats(name: str, module: ast.Module) -> list[str]:
    """Formats that are neither a literal nor a constant of a module nor declared."""
    used = [
        node.func.value
        for node in calls(module)
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("format", "format_map")
    ]
    used += [
        node.left
        for node in ast.walk(module)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) and isinstance(node.right, ast.Tuple | ast.Call)
        if "str" in ast.unparse(node.left)
    ]
    texts = [ast.unparse(one) for one in used if not isinstance(one, ast.Constant) and not is_markup(one)]
    return [text for text in texts if not text.isupper() and (name, text) not in FORMATS]


def opens_files(module: ast.Module) -> bool:
    for call in calls(module):
        named = ast.unparse(call.func)
        if named in {"open", "os.open"} or named.rpartition(".")[2] in FILE_METHODS:
            return True
        mode = [argument.arg for argument in call.keywords] + [ast.unparse(argument) for argument in call.args]
        if named.endswith(".open") and ("encoding" in mode or not call.keywords):
            return True
    return False


def weak(module: ast.Module) -> set[str]:
    named = {node.attr for node in ast.walk(module) if isinstance(node, ast.Attribute)}
    return (named | {name.rpartition(".")[2] for name in imported(module)}) & WEAK


def found(look: Callable[[ast.Module], object]) -> dict[str, object]:
    return {name: seen for name, module in sources().items() if (seen := look(module))}


def test_there_is_something_to_look_at():
    assert len(sources()) > 200


def test_no_service_has_a_tool_that_runs_what_it_is_told():
    assert found(running) == {name: {"jinja2"} for name in MAKES_PAGES} | {name: {"zipfile"} for name in UNPACKS}
    assert {name for name, module in sources().items() if loads_modules(module)} == set(LOADS_MODULES)


def test_no_regular_expression_is_made_of_what_somebody_sent():
    assert not found(made_expressions)


def test_only_constants_are_format_strings():
    assert not {name: made for name, module in sources().items() if (made := made_formats(name, module))}


def test_files_are_opened_in_named_places_only():
    assert set(found(opens_files)) == set(OPENS_FILES)


def test_only_approved_hashes_and_ciphers_are_used():
    assert not found(weak)


def test_the_generator_that_can_be_foretold_serves_pauses_only():
    assert {name for name, module in sources().items() if "random" in roots(module)} == PAUSES


@pytest.mark.parametrize(
    ("look", "text"),
    [
        (running, "import subprocess"),
        (running, "from xml.etree import ElementTree"),
        (running, "async def f(a): return await asyncio.create_subprocess_shell(a)"),
        (running, "eval(told)"),
        (made_expressions, "re.compile(told)"),
        (made_expressions, "re.search(f'{told}', text)"),
        (lambda module: made_formats("x", module), "told.format(a)"),
        (lambda module: made_formats("x", module), "str(told) % (a,)"),
        (lambda module: made_formats("x", module), "Markup(told).format(a)"),
        (opens_files, "open(told)"),
        (opens_files, "path.open(encoding='utf-8')"),
        (opens_files, "path.read_bytes()"),
        (weak, "hashlib.md5(told)"),
        (weak, "from hashlib import sha1"),
        (weak, "modes.ECB()"),
    ],
)
def test_each_look_finds_what_it_looks_for(look: Callable[[ast.Module], object], text: str):
    assert look(ast.parse(text))
