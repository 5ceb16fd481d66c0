"""Earlier versions of contracts from git: a published contract stays valid, even if its file was changed."""

import subprocess
from collections.abc import Iterable
from pathlib import Path


def versions_of(root: Path, folder: str) -> dict[str, list[bytes]]:
    """All versions of each file below `folder` in the commits up to HEAD, by its path from `root`.

    The result is empty without git or without a history, for example in an unpacked archive. A shallow clone has only
    the commits that it contains.
    """
    blobs: dict[str, dict[str, None]] = {}
    for line in _git(root, "log", "--format=", "--raw", "--no-abbrev", "--no-renames", "--", folder).splitlines():
        facts, _, path = line.decode().partition("\t")
        blob = facts.split(" ")[3]
        if blob.strip("0"):
            blobs.setdefault(path, {})[blob] = None
    contents = _contents(root, {blob for found in blobs.values() for blob in found})
    return {path: [contents[blob] for blob in found] for path, found in blobs.items()}


def _contents(root: Path, blobs: Iterable[str]) -> dict[str, bytes]:
    asked = sorted(blobs)
    if not asked:
        return {}
    answer = _git(root, "cat-file", "--batch", given="\n".join(asked).encode() + b"\n")
    contents = {}
    for blob in asked:
        head, _, answer = answer.partition(b"\n")
        size = int(head.split(b" ")[2])
        contents[blob], answer = answer[:size], answer[size + 1 :]
    return contents


def _git(root: Path, *arguments: str, given: bytes = b"") -> bytes:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, input=given, capture_output=True, check=True)  # noqa: S603, S607
    except (OSError, subprocess.CalledProcessError):
        return b""
    return done.stdout
