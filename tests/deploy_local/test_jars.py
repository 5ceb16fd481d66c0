"""Jars come whole, once, and only those that the lock file names."""

import hashlib
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deploy.local.jars import ZIPKIN_LOCK, ChecksumMismatchError, FetchError, Jar, fetch, read_lock

CONTENT = b"PK a jar of invented bytes " * 5000


class Repository(ThreadingHTTPServer):
    """A Maven repository with one jar; it can break off answers and lie about the content."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = CONTENT
        self.break_off_after: int | None = None
        self.requests: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/maven2"


class _Handler(BaseHTTPRequestHandler):
    server: Repository

    def do_GET(self) -> None:
        wanted = self.headers["Range"]
        self.server.requests.append(wanted)
        if not self.path.endswith("/org/example/thing/1.0/thing-1.0.jar"):
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        body = self.server.content[start:]
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut, self.server.break_off_after = self.server.break_off_after, None
        self.wfile.write(body[:cut])
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def repository() -> Iterator[Repository]:
    server = Repository()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def jar() -> Jar:
    digest = hashlib.sha256(CONTENT).hexdigest()
    return Jar(group="org.example", artifact="thing", version="1.0", sha256=digest)


async def test_a_jar_is_fetched_once(tmp_path: Path, repository: Repository, jar: Jar) -> None:
    told: list[tuple[int, int]] = []
    for _ in range(2):
        (path,) = await fetch([jar], tmp_path, base_url=repository.url, progress=lambda *counts: told.append(counts))
        assert path.read_bytes() == CONTENT
    assert repository.requests == [None]
    assert told == [(1, 1)]


async def test_a_jar_with_another_checksum_is_refused_and_not_kept(
    tmp_path: Path, repository: Repository, jar: Jar
) -> None:
    repository.content = CONTENT.replace(b"invented", b"modified")
    with pytest.raises(ChecksumMismatchError, match=jar.sha256):
        await fetch([jar], tmp_path, base_url=repository.url)
    assert os.listdir(tmp_path) == []


async def test_a_fetch_that_breaks_off_is_resumed(tmp_path: Path, repository: Repository, jar: Jar) -> None:
    repository.break_off_after = 70_000
    (path,) = await fetch([jar], tmp_path, base_url=repository.url)
    assert path.read_bytes() == CONTENT
    assert repository.requests == [None, "bytes=70000-"]


async def test_a_jar_that_is_not_there_is_an_error_at_once(tmp_path: Path, repository: Repository) -> None:
    with pytest.raises(FetchError, match="404"):
        await fetch([Jar("org.example", "other", "1.0", "0" * 64)], tmp_path, base_url=repository.url)
    assert len(repository.requests) == 1


def test_the_lock_file_names_every_jar_with_its_checksum() -> None:
    jars = read_lock()
    assert len(jars) == 36
    assert len({jar.filename for jar in jars}) == 36
    assert all(len(jar.sha256) == 64 and int(jar.sha256, 16) for jar in jars)
    assert any(jar.path == "org/apache/kafka/kafka_2.13/4.3.0/kafka_2.13-4.3.0.jar" for jar in jars)


def test_a_jar_with_a_classifier_has_it_in_its_path_and_in_its_name(tmp_path: Path) -> None:
    (jar,) = read_lock(ZIPKIN_LOCK)
    assert jar.path == f"io/zipkin/zipkin-server/{jar.version}/zipkin-server-{jar.version}-exec.jar"
    assert jar.filename == f"zipkin-server-{jar.version}-exec-{jar.sha256[:12]}.jar"
    wrong = tmp_path / "a.lock"
    wrong.write_text(f"org.example:thing:1.0:exec:more {'0' * 64}\n")
    with pytest.raises(ValueError, match=r"a\.lock: org\.example:thing:1\.0:exec:more has too many parts"):
        read_lock(wrong)
