"""Judges regular expressions with recheck (JavaScript), which is installed from its lock file."""

import json
import os
import subprocess
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from deploy.contracts.node import beside_python, install
from deploy.patterns.found import Pattern, as_javascript

CHECKER = Path(__file__).with_name("checker")
KNOWN = "node_modules/.judged.json"
"""A file inside `CHECKER` with the patterns that are known to be linear, because judging all takes about ten seconds.
"""


def faults(found: Sequence[Pattern]) -> list[str]:
    """A line for each pattern that is not linear or cannot be judged. Raises ParserError if npm fails."""
    if install(CHECKER):
        (CHECKER / KNOWN).unlink(missing_ok=True)
    known = set(json.loads((CHECKER / KNOWN).read_text(encoding="utf-8"))) if (CHECKER / KNOWN).exists() else set()
    unknown = [one for one in found if _key(one) not in known]
    verdicts = _judged(unknown) if unknown else []
    known |= {_key(one) for one, said in zip(unknown, verdicts, strict=True) if said["status"] == "safe"}
    (CHECKER / KNOWN).write_text(json.dumps(sorted(known)), encoding="utf-8")
    return [_line(one, said) for one, said in zip(unknown, verdicts, strict=True) if said["status"] != "safe"]


def _key(one: Pattern) -> str:
    return sha256("\0".join(as_javascript(one)).encode()).hexdigest()


def _judged(asked: Sequence[Pattern]) -> list[dict[str, str]]:
    texts = [dict(zip(("source", "flags"), as_javascript(one), strict=True)) for one in asked]
    done = subprocess.run(  # noqa: S603
        [beside_python("node"), str(CHECKER / "check.mjs")],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "RECHECK_BACKEND": "pure"},
    )
    verdicts: list[dict[str, str]] = json.loads(done.stdout)
    return verdicts


def _line(one: Pattern, said: dict[str, str]) -> str:
    attack = f", as by {said['attack']}" if said["attack"] else ""
    return f"{one.place}: {said['status']} ({said['cost'] or 'not judged'}): {one.source}{attack}"
