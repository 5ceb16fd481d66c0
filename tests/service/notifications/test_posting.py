"""One POST to anybody: the address that was checked is the one that is connected to, and TLS proves the name."""

import asyncio
import contextlib
import datetime
import socket
import ssl

import pytest
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from services.notifications.deliveries import posting
from services.notifications.deliveries.posting import Poster
from services.notifications.deliveries.rules import AttemptFault
from tests.served import bound_socket
from tests.service.notifications.receiving import answering, receiver

NAME = "hooks.sample.example"
REAL_LOOKUP = socket.getaddrinfo


@pytest.fixture
def names(monkeypatch):
    """A name server of the test's own: what each name means, look-up by look-up."""
    meanings: dict[str, list[list[str]]] = {}
    asked: list[str] = []

    def look_up(host, port, *args, **kwargs):
        if host not in meanings:
            return REAL_LOOKUP(host, port, *args, **kwargs)
        asked.append(host)
        answers = meanings[host]
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(posting.socket, "getaddrinfo", look_up)
    meanings["__asked__"] = [asked]
    return meanings


async def posted(url, *, allow_private=False, context=None):
    async with Poster.opened(allow_private=allow_private, concurrency=2, ssl_context=context) as poster:
        return await poster.post(url, headers={"webhook-id": "m"}, body="{}")


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["10.0.0.7"], ["169.254.169.254"], ["8.8.8.8", "127.0.0.1"], ["::1"], ["::ffff:10.0.0.1"]],
)
async def test_a_public_name_that_means_a_private_address_is_never_connected_to(names, addresses, monkeypatch):
    names[NAME] = [addresses]
    opened = []
    monkeypatch.setattr(posting.httpcore.AnyIOBackend, "connect_tcp", lambda *args, **kwargs: opened.append(args))
    answer = await posted(f"https://{NAME}/")
    assert (answer.status_code, answer.fault) == (None, AttemptFault.ADDRESS_FORBIDDEN)
    assert not opened


async def test_a_name_that_changes_its_meaning_is_asked_once_and_connected_to_as_checked(names):
    async with receiver() as webhooks:
        port = webhooks.url.rsplit(":", 1)[1]
        names["rebinding.example"] = [["127.0.0.1"], ["169.254.169.254"]]
        answer = await posted(f"http://rebinding.example:{port}/", allow_private=True)
        assert answer.status_code == 204
        assert names["__asked__"][0] == ["rebinding.example"]
        assert webhooks.calls[0].headers["host"] == f"rebinding.example:{port}"


async def test_two_names_at_one_address_never_share_a_connection(names):
    """A connection that was proven for one name must not carry what is meant for another."""
    async with receiver() as webhooks:
        port = webhooks.url.rsplit(":", 1)[1]
        names["one.example"] = names["two.example"] = [["127.0.0.1"]]
        async with Poster.opened(allow_private=True, concurrency=4) as poster:
            for name in ("one", "two", "one"):
                await poster.post(f"http://{name}.example:{port}/", headers={}, body="{}")
        assert names["__asked__"][0] == ["one.example", "two.example"]
        assert [call.headers["host"].split(".")[0] for call in webhooks.calls] == ["one", "two", "one"]


async def test_a_name_that_nobody_knows_is_a_fault_of_its_own(names):
    names[NAME] = [[]]
    assert (await posted(f"https://{NAME}/")).fault is AttemptFault.NAME_NOT_FOUND


async def test_the_policy_is_asked_again_when_sending():
    """The setting for local runs may have been taken away since the endpoint was registered."""
    assert (await posted("http://127.0.0.1:1/", allow_private=False)).fault is AttemptFault.URL_FORBIDDEN
    assert (await posted("https://127.0.0.1:1/", allow_private=False)).fault is AttemptFault.URL_FORBIDDEN


async def test_no_proxy_of_the_environment_is_used(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    async with receiver() as webhooks:
        assert (await posted(webhooks.url, allow_private=True)).status_code == 204


async def test_an_answer_that_is_no_http_is_a_fault():
    async def speak(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"220 mail.sample.example ESMTP\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert (await posted(f"http://127.0.0.1:{port}/", allow_private=True)).fault is AttemptFault.PROTOCOL


async def test_a_status_that_came_counts_although_its_body_breaks_off():
    async def speak(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert (await posted(f"http://127.0.0.1:{port}/", allow_private=True)).succeeded


async def test_a_body_that_drips_does_not_hold_up_what_its_status_has_decided(monkeypatch):
    monkeypatch.setattr(posting, "_ANSWER_SECONDS_MAX", 0.2)

    async def speak(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        await writer.drain()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        answer = await asyncio.wait_for(posted(f"http://127.0.0.1:{port}/", allow_private=True), 300)
        assert answer.succeeded


INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"
ENDLESS = {
    "interim answers": (b"", INTERIM * 400),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X-Long: " + b"a" * 1_000 + b"\r\n"),
    "one header": (b"HTTP/1.1 200 OK\r\nX-Long: ", b"a" * 10_000),
    "a status line": (b"HTTP/1.1 200 ", b"a" * 10_000),
    "chunk extensions": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;", b"a" * 10_000),
    "trailers": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X: a\r\n" * 1_000),
    "a body": (b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 10_000),
}


@contextlib.asynccontextmanager
async def receiving(speak):
    """A receiver that speaks as it likes; its port. At the end its side is over too."""
    over = asyncio.Event()

    async def take(reader, writer):
        try:
            await reader.readuntil(b"\r\n\r\n")
            await speak(writer)
        except ConnectionError:
            pass
        finally:
            writer.close()
            over.set()

    async with await asyncio.start_server(take, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.wait_for(over.wait(), 300)


@pytest.mark.parametrize("what", ENDLESS)
async def test_a_receiver_that_sends_without_end_is_cut_off_after_so_many_bytes(what):
    """Taken out: `_BoundedStream` (interim answers went on to the deadline, 15 s, with the event loop busy)."""
    sent = 0

    async def speak(writer):
        nonlocal sent
        first, again = ENDLESS[what]
        writer.write(first)
        while True:
            writer.write(again)
            await writer.drain()
            sent += len(again)

    async with receiving(speak) as port:
        answer = await asyncio.wait_for(posted(f"http://127.0.0.1:{port}/", allow_private=True), 300)
    assert answer.succeeded or answer.fault is AttemptFault.PROTOCOL
    assert answer.succeeded is (what in ("a body", "chunk extensions", "trailers"))
    assert sent < 20_000_000  # what the buffers of both systems hold


async def test_interim_answers_that_drip_have_no_more_time_than_silence(monkeypatch):
    monkeypatch.setattr(posting, "TIMEOUT_SECONDS", 1.0)

    async def speak(writer):
        while True:
            writer.write(INTERIM)
            await writer.drain()
            await asyncio.sleep(0.05)

    async with receiving(speak) as port:
        assert (await posted(f"http://127.0.0.1:{port}/", allow_private=True)).fault is AttemptFault.TIMEOUT


async def test_an_interim_answer_before_the_real_one_is_no_fault():
    async def speak(writer):
        writer.write(INTERIM * 3 + b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()

    async with receiving(speak) as port:
        assert (await posted(f"http://127.0.0.1:{port}/", allow_private=True)).succeeded


def _certificate(name):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sample")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), private


@pytest.fixture
async def tls(tmp_path):
    """A receiver with a certificate for `NAME`: its port, and a context that trusts it."""
    certificate, private = _certificate(NAME)
    (tmp_path / "certificate.pem").write_bytes(certificate)
    (tmp_path / "key.pem").write_bytes(private)

    async def receive(_):
        return Response(status_code=204)

    listener = bound_socket()
    app = Starlette(routes=[Route("/", receive, methods=["POST"])])
    config = uvicorn.Config(
        app,
        ws="none",
        log_config=None,
        access_log=False,
        ssl_certfile=str(tmp_path / "certificate.pem"),
        ssl_keyfile=str(tmp_path / "key.pem"),
    )
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
        await asyncio.sleep(0.01)
    yield listener.getsockname()[1], ssl.create_default_context(cadata=certificate.decode())
    server.should_exit = True
    await serving
    listener.close()


async def test_tls_proves_the_name_although_the_address_is_connected_to(names, tls):
    port, trusting = tls
    names[NAME] = names["other.sample.example"] = [["127.0.0.1"]]
    right = await posted(f"https://{NAME}:{port}/", allow_private=True, context=trusting)
    assert right.status_code == 204
    wrong = await posted(f"https://other.sample.example:{port}/", allow_private=True, context=trusting)
    assert (wrong.status_code, wrong.fault) == (None, AttemptFault.TLS_FAILED)
    untrusted = await posted(f"https://{NAME}:{port}/", allow_private=True)
    assert untrusted.fault is AttemptFault.TLS_FAILED


async def test_each_status_is_what_it_is():
    async with receiver() as webhooks:
        for status, fault in [(200, None), (204, None), (302, AttemptFault.REDIRECTED), (410, AttemptFault.GONE)]:
            webhooks.behaviour = answering(status)
            answer = await posted(webhooks.url, allow_private=True)
            assert (answer.status_code, answer.fault) == (status, fault)
