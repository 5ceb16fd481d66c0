"""Downloads the jars that a lock file lists from Maven Central into the user's cache, and checks their SHA-256."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

LOCK = Path(__file__).with_name("kafka-jars.lock")
ZIPKIN_LOCK = Path(__file__).with_name("zipkin-jars.lock")
DEFAULT_BASE_URL = "https://repo1.maven.org/maven2"
BASE_URL_VARIABLE = "ENLACE_MAVEN_URL"
PARALLEL = 8
ATTEMPTS = 5

Progress = Callable[[int, int], None]
"""Called after each jar with the number of jars that are there and the number that are needed."""


class FetchError(Exception):
    """A jar could not be fetched."""


class ChecksumMismatchError(FetchError):
    """A downloaded file does not have the SHA-256 in the lock file; it was deleted."""


@dataclass(frozen=True)
class Jar:
    """One line of the lock file."""

    group: str
    artifact: str
    version: str
    sha256: str
    classifier: str | None = None
    """Which of the files of this version it is, such as `exec`; None for the usual one."""

    @property
    def filename(self) -> str:
        """The file name in the cache. It contains a part of the checksum, so that another lock file does not find the
        wrong file."""
        return f"{self._name}-{self.sha256[:12]}.jar"

    @property
    def path(self) -> str:
        """The path in a Maven repository."""
        return f"{self.group.replace('.', '/')}/{self.artifact}/{self.version}/{self._name}.jar"

    @property
    def _name(self) -> str:
        return "-".join([self.artifact, self.version, *([self.classifier] if self.classifier else [])])


def read_lock(lock: Path = LOCK) -> list[Jar]:
    """The jars of a lock file, in its order. Raises ValueError if a line does not have the required form."""
    jars = []
    for line in lock.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        coordinates, sha256 = line.split()
        group, artifact, version, *rest = coordinates.split(":")
        classifier = rest.pop() if rest else None
        if rest:
            raise ValueError(f"{lock.name}: {coordinates} has too many parts")
        jars.append(Jar(group=group, artifact=artifact, version=version, sha256=sha256, classifier=classifier))
    return jars


def cache_directory() -> Path:
    """The directory `enlace` in XDG_CACHE_HOME, or in ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "enlace"


async def fetch(
    jars: Sequence[Jar], directory: Path, *, base_url: str | None = None, progress: Progress | None = None
) -> list[Path]:
    """The jars as files. Missing jars are downloaded in parallel, and an interrupted download is resumed.

    A file gets its final name only when it is complete and checked. Raises ChecksumMismatchError, or FetchError after
    five attempts.
    """
    missing = _missing(jars, directory)
    done = len(jars) - len(missing)
    if missing:
        base = (base_url or os.environ.get(BASE_URL_VARIABLE) or DEFAULT_BASE_URL).rstrip("/")
        gate = asyncio.Semaphore(PARALLEL)
        async with httpx.AsyncClient(timeout=30, follow_redirects=True, trust_env=True) as client:

            async def fetch_one(jar: Jar) -> None:
                nonlocal done
                async with gate:
                    await _fetch(client, f"{base}/{jar.path}", directory / jar.filename, jar.sha256)
                done += 1
                if progress is not None:
                    progress(done, len(jars))

            await asyncio.gather(*(fetch_one(jar) for jar in missing))
    return [directory / jar.filename for jar in jars]


def _missing(jars: Sequence[Jar], directory: Path) -> list[Jar]:
    directory.mkdir(parents=True, exist_ok=True)
    return [jar for jar in jars if not (directory / jar.filename).exists()]


async def _fetch(client: httpx.AsyncClient, url: str, target: Path, sha256: str) -> None:
    # Each process has its own draft. Two processes may download the same jar, but do not write into the same file.
    draft = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                await _append_rest(client, url, draft)
                break
            except (httpx.TransportError, httpx.HTTPStatusError) as error:
                refused = isinstance(error, httpx.HTTPStatusError) and error.response.status_code in (401, 403, 404)
                if attempt == ATTEMPTS or refused:
                    raise FetchError(f"{url}: {type(error).__name__} {error}") from error
                await asyncio.sleep(0.5 * 2**attempt)
        found = await asyncio.to_thread(_sha256, draft)
        if found != sha256:
            raise ChecksumMismatchError(f"{url} has SHA-256 {found}, the lock file says {sha256}")
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


async def _append_rest(client: httpx.AsyncClient, url: str, draft: Path) -> None:
    have = _size(draft)
    headers = {"Range": f"bytes={have}-"} if have else {}
    async with client.stream("GET", url, headers=headers) as response:
        if have and response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # The draft is already complete.
        response.raise_for_status()
        resumed = response.status_code == httpx.codes.PARTIAL_CONTENT
        with draft.open("ab" if resumed else "wb") as file:
            async for block in response.aiter_bytes():
                file.write(block)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
