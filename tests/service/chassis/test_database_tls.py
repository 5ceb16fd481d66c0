"""Who demands that a database proves its name gets proof for every client of ours, or no connection.

The PostgreSQL of the tests is built without TLS, so a door stands before it that does what PostgreSQL's own does: it
answers the request for TLS, shows its certificate, and passes on what comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import asyncpg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import MetaData

from libs.chassis.clock import Clock
from libs.chassis.database import Database, raw
from libs.chassis.errors import Unavailable
from libs.chassis.migrations import differences

REQUEST_FOR_TLS = (8).to_bytes(4, "big") + (80_877_103).to_bytes(4, "big")


@dataclass
class Door:
    """TLS before a PostgreSQL; its certificate is for 127.0.0.1 and for no other name."""

    behind: str
    certificate: Path
    context: ssl.SSLContext
    speaks_tls: bool = True
    port: int = 0
    passed: int = 0
    """So many clients have finished their handshake."""
    in_clear: int = 0
    """So many have gone on without TLS."""
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def url(self, mode: str, *, host: str = "127.0.0.1", authority: Path | None = None) -> str:
        parts = urlsplit(self.behind)
        login = parts.netloc.rpartition("@")[0]
        asked = f"sslmode={mode}&sslrootcert={quote(str(authority or self.certificate))}"
        return f"postgresql://{login}@{host}:{self.port}{parts.path}?{asked}"

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        there: asyncio.StreamWriter | None = None
        try:
            first = await reader.readexactly(8)
            if first == REQUEST_FOR_TLS:
                writer.write(b"S" if self.speaks_tls else b"N")
                await writer.drain()
                if self.speaks_tls:
                    await writer.start_tls(self.context)
                    self.passed += 1
                first = await reader.readexactly(8)
            if not self.speaks_tls or self.passed == 0:
                self.in_clear += 1
            parts = urlsplit(self.behind)
            back, there = await asyncio.open_connection(parts.hostname, parts.port)
            there.write(first)
            await asyncio.gather(_pass_on(reader, there), _pass_on(back, writer))
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client has hung up: it does not trust the certificate
        finally:
            for end in (writer, there):
                if end is not None:
                    end.close()


async def _pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await source.read(65_536):
            sink.write(piece)
            await sink.drain()
    sink.close()


def certificate(directory: Path, name: str) -> Path:
    """A certificate that vouches for itself, in PEM, with its key beside it."""
    key = ec.generate_private_key(ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(named)
        .issuer_name(named)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (directory / f"{name}.key").write_bytes(private)
    (directory / f"{name}.pem").write_bytes(made.public_bytes(pem))
    return directory / f"{name}.pem"


@pytest.fixture
async def door(postgres_server: Any, tmp_path: Path) -> AsyncIterator[Door]:
    shown = certificate(tmp_path, "server")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown, shown.with_suffix(".key"))
    made = Door(postgres_server.new_database("behind_tls"), shown, context)
    server = await asyncio.start_server(made.take, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()


async def answers(url: str) -> None:
    """Have the chassis's own session ask something."""
    database = Database(url, clock=Clock(), application_name="tls", pool_size=1)
    try:
        async with database.transaction() as session:
            assert await (await raw(session)).fetchval("SELECT 1") == 1
    finally:
        await database.close()


async def test_every_client_speaks_tls_to_a_server_that_proves_its_name(door: Door):
    """Sessions of the service, migrations, and the driver that relay, router and vault use: by one and the same URL.

    With SQLAlchemy's own reading of the URL the first two end in a TypeError.
    """
    url = door.url("verify-full")
    await answers(url)
    assert await differences(url, MetaData()) == []
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("SELECT 1") == 1
    await connection.close()
    assert (door.passed, door.in_clear) == (3, 0)


UNPROVEN: dict[str, Callable[[Door, Path], str]] = {
    "an authority that is not trusted": lambda door, other: door.url("verify-full", authority=other),
    "another name than that of the certificate": lambda door, _: door.url("verify-full", host="localhost"),
}


@pytest.mark.parametrize("case", UNPROVEN)
async def test_a_server_that_does_not_prove_its_name_gets_no_connection(door: Door, tmp_path: Path, case: str):
    url = UNPROVEN[case](door, certificate(tmp_path, "stranger"))
    with pytest.raises(Unavailable):
        await answers(url)
    with pytest.raises(OSError):
        await asyncpg.connect(url)
    assert door.in_clear == 0


async def test_a_server_without_tls_is_not_spoken_to_in_the_clear(door: Door):
    """`prefer`, which is what a URL means that says nothing, would go on."""
    door.speaks_tls = False
    with pytest.raises(Unavailable):
        await answers(door.url("verify-full"))
    assert door.in_clear == 0
    await answers(door.url("prefer"))
    assert door.in_clear == 1
