"""Peers that send too much, too slowly or too often, on real sockets against a service that is a process of its own."""

import asyncio
import resource
from contextlib import suppress

import httpx
import psutil
import pytest

from tests.service.chassis.peer import peer
from tests.service.chassis.started import DEADLINE_SECONDS, bearer, environment_of, kept_running, until

OTHER = "127.0.0.2"
"""Another address of this machine: peers are told apart by it."""
QUICK = {
    "ENLACE_HTTP_HEAD_SECONDS": "1",
    "ENLACE_HTTP_BODY_SECONDS": "1",
    "ENLACE_HTTP_BODY_SECONDS_MOST": "3",
    "ENLACE_HTTP_STALLED_SECONDS": "1",
}


@pytest.fixture(scope="module")
def usual(postgres_server, things_template, issuer, tmp_path_factory):
    """One process with the usual limits for the tests that leave it as it was."""
    url = postgres_server.new_database("things", template=things_template)
    with kept_running(environment_of(url, issuer, tmp_path_factory.mktemp("usual"))) as running:
        yield running


@pytest.fixture(scope="module")
def quick(postgres_server, things_template, issuer, tmp_path_factory):
    """The same with short deadlines."""
    url = postgres_server.new_database("things", template=things_template)
    with kept_running(environment_of(url, issuer, tmp_path_factory.mktemp("quick")) | QUICK) as running:
        yield running


async def pour(one, piece):
    """Send the same again and again until the other side takes no more."""
    with suppress(ConnectionError):
        while True:
            await one.send(piece)
            await asyncio.sleep(0.001)


async def refused(one, status, code):
    """It is told so in a problem document, and the connection ends."""
    found, headers, problem = await one.answer()
    assert (found, problem["code"]) == (status, code)
    assert headers["content-type"] == "application/problem+json"
    assert headers["x-content-type-options"] == "nosniff"
    assert "server" not in headers
    assert await one.ended() == b""
    return headers


async def test_a_head_without_end_is_431_long_before_its_end(usual):
    """Taken out: the count in `data_received` (the server read on, and kept all of it)."""
    async with usual.asked() as started, peer(started) as one:
        await one.send(b"GET /livez HTTP/1.1\r\nHost: here\r\nX-Long: ")
        pouring = asyncio.create_task(pour(one, b"a" * 1_000))
        await refused(one, 431, "head-too-large")
        await asyncio.wait_for(pouring, DEADLINE_SECONDS)


async def test_a_head_a_little_too_large_is_a_problem_and_one_that_fits_is_served(usual):
    """Taken out: the count in `on_header` (one piece of 17 kB passed), then the one in `data_received`."""
    async with usual.asked() as started:
        fill = (b"X-Fill: " + b"a" * 992 + b"\r\n") * 17
        async with peer(started) as one:
            await one.send(b"GET /livez HTTP/1.1\r\nHost: here\r\n" + fill + b"\r\n")
            await refused(one, 431, "head-too-large")
        async with peer(started) as one:
            await one.send(b"GET /livez?" + b"a" * 20_000)
            await refused(one, 431, "head-too-large")
        async with peer(started) as one:
            await one.send(b"GET /livez HTTP/1.1\r\nHost: here\r\n" + fill[: 15 * 1_002] + b"\r\n")
            assert (await one.answer())[0] == 200


async def test_what_is_no_request_is_a_problem_document(usual):
    async with usual.asked() as started:
        for text in (
            b"HELO mail.sample.example\r\n\r\n",
            b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        ):
            async with peer(started) as one:
                await one.send(text)
                await refused(one, 400, "malformed-request")


async def test_trailers_do_not_become_headers(usual, issuer):
    """A chunked body may end with headers; who reads them late could be told another caller."""
    async with usual.asked() as started, peer(started) as one:
        token = bearer(issuer)["Authorization"].encode()
        head = (
            b"POST /v1/things/loose HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked"
        )
        await one.send(head + b'\r\n\r\n8\r\n{"name":\r\n')
        await one.send(b'4\r\n"x"}\r\n0\r\nAuthorization: ' + token + b"\r\n\r\n")
        assert (await one.answer())[0] == 401


@pytest.mark.parametrize(
    "sent", [b"G", b"GET /livez HTTP/1.1\r\nHost: here\r\n", b"GET /livez HTTP/1.1\r\nX: " + b"a" * 9_000]
)
async def test_a_head_that_does_not_end_is_408(quick, sent):
    async with quick.asked() as started, peer(started) as one:
        await one.send(sent)
        await refused(one, 408, "request-timeout")


async def test_a_head_that_drips_has_no_more_time_than_one_that_stands_still(quick):
    async with quick.asked() as started, peer(started) as one:

        async def drip():
            while True:
                await one.send(b"a")
                await asyncio.sleep(0.05)

        await one.send(b"GET /livez HTTP/1.1\r\nX: ")
        dripping = asyncio.create_task(drip())
        await refused(one, 408, "request-timeout")
        dripping.cancel()


async def test_a_connection_that_asks_nothing_is_closed(quick):
    async with quick.asked() as started, peer(started) as one:
        assert await one.ended() == b""


HEAD = b"POST /v1/things HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize("framing", [b"Content-Length: 1000\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n5\r\n{\r\n"])
async def test_a_body_that_does_not_come_is_408(start, issuer, framing):
    """Of a caller who is known; of anybody else no body is waited for."""
    token = b"Authorization: " + bearer(issuer)["Authorization"].encode() + b"\r\nIdempotency-Key: late\r\n"
    async with start(**QUICK) as started:
        async with peer(started) as one:
            await one.send(HEAD + token + framing)
            await refused(one, 408, "request-timeout")
        await started.stop()
    assert not [line for line in started.logs() if line["level"] == "error"]


async def test_a_body_that_drips_ends_too_and_a_steady_one_is_taken(start, issuer):
    """500 bytes earn a second, up to the most."""
    token = b"Authorization: " + bearer(issuer)["Authorization"].encode() + b"\r\nIdempotency-Key: steady\r\n"
    async with start(**QUICK | {"ENLACE_HTTP_BODY_SECONDS_MOST": "60"}) as started:
        async with peer(started) as one:
            await one.send(HEAD + token + b"Content-Length: 1000\r\n\r\n")

            async def drip():
                while True:
                    await one.send(b" ")
                    await asyncio.sleep(0.1)

            dripping = asyncio.create_task(drip())
            await refused(one, 408, "request-timeout")
            dripping.cancel()
        async with peer(started) as one:
            pieces = [b" " * 1_000] * 4 + [b'{"name":"steady"}']
            await one.send(HEAD + token + b"Content-Length: %d\r\n\r\n" % sum(map(len, pieces)))
            for piece in pieces:
                await one.send(piece)
                await asyncio.sleep(0.6)
            assert (await one.answer())[0] == 201


async def test_an_answer_that_nobody_reads_does_not_keep_its_connection(quick):
    """Taken out: the watch over `write_paused`; the connection stayed, whatever else was wrong with it."""
    async with quick.asked() as started, peer(started) as one:
        one.writer.transport.pause_reading()
        process = psutil.Process(started.pid)
        port = one.writer.get_extra_info("sockname")[1]

        async def is_cut():
            return not any(found.raddr and found.raddr.port == port for found in process.net_connections("tcp"))

        with suppress(ConnectionError):
            for _ in range(400):  # answers for more than the buffers of both systems hold, none asked for ahead
                await one.send(b"GET /openapi.json HTTP/1.1\r\nHost: here\r\n\r\n")
                await asyncio.sleep(0.02)
        await until(is_cut)


async def test_who_hangs_up_in_the_middle_is_no_error_in_the_log(start, issuer):
    token = b"Authorization: " + bearer(issuer)["Authorization"].encode() + b"\r\nIdempotency-Key: gone\r\n"
    async with start() as started:
        for asked in (HEAD + b"Content-Length: 100\r\n\r\n{", HEAD + token + b"Content-Length: 100\r\n\r\n{"):
            async with peer(started) as one:
                await one.send(asked)
        async with peer(started) as one:
            await one.send(b"GET /v1/slow HTTP/1.1\r\nHost: here\r\n" + token + b"\r\n")
            await asyncio.sleep(0.2)
        await asyncio.sleep(1)
        await started.stop()
    told = [line for line in started.logs() if line["level"] in ("error", "warning")]
    assert not [line for line in told if line["event"] != "access.refused"]  # one of the three had no token


async def test_one_address_gets_so_many_connections_and_another_is_served(start):
    """Taken out: `belongs_to`'s verdict."""
    async with start(ENLACE_HTTP_CONNECTIONS_PER_PEER="5") as started:
        held = [await asyncio.open_connection(*address(started), local_addr=(OTHER, 0)) for _ in range(5)]
        async with peer(started, of=OTHER) as one:
            headers = await refused(one, 503, "too-many-connections")
            assert "retry-after" in headers
        assert (await started.client.get("/livez")).status_code == 200
        for _, writer in held:
            writer.close()

        async def again():
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                async with peer(started, of=OTHER) as one:
                    await one.send(b"GET /livez HTTP/1.1\r\nHost: here\r\n\r\n")
                    return (await one.answer())[0] == 200
            return False

        await until(again)


async def test_where_all_places_are_taken_the_longest_idle_gives_way(start):
    async with start(ENLACE_HTTP_CONNECTIONS="6") as started:
        held = [await asyncio.open_connection(*address(started), local_addr=(OTHER, 0)) for _ in range(12)]
        async with httpx.AsyncClient(base_url=started.client.base_url) as fresh:
            assert (await fresh.get("/livez")).status_code == 200
        open_still = [reader for reader, _ in held if not reader.at_eof()]
        assert len(open_still) <= 6
        for _, writer in held:
            writer.close()


async def test_memory_stays_flat_while_hundreds_send_slowly_and_without_end(start):
    """A hostile client from one address; another goes on being served. Growth is a ratio to the process at rest."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4_096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    async with start(ENLACE_HTTP_CONNECTIONS_PER_PEER="300") as started:
        for _ in range(20):
            assert (await started.client.get("/livez")).status_code == 200
        process = psutil.Process(started.process.pid)
        before = process.memory_info().rss
        hostile = [asyncio.create_task(flood(started, number)) for number in range(400)]
        most = before
        for _ in range(40):
            assert (await started.client.get("/livez", timeout=DEADLINE_SECONDS)).status_code == 200
            most = max(most, process.memory_info().rss)
            await asyncio.sleep(0.05)
        for task in hostile:
            task.cancel()
        await asyncio.gather(*hostile, return_exceptions=True)
        assert most / before < 1.5


async def flood(started, number):
    """Headers, requests and bodies, as much as is taken, over one connection after another."""
    starts = (
        b"GET /livez HTTP/1.1\r\nX-Long: ",
        b"GET /livez HTTP/1.1\r\nHost: here\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
        b"GET /" + b"b" * 5_000,
    )
    pieces = (b"a" * 200_000, b"GET /livez HTTP/1.1\r\n\r\n" * 5_000, b"30d40\r\n" + b" " * 200_000 + b"\r\n", b"b")
    while True:
        try:
            async with peer(started, of=OTHER) as one:
                await one.send(starts[number % 4])
                for _ in range(1_000):
                    await one.send(pieces[number % 4])
                    await asyncio.sleep(0.01)
        except OSError:
            await asyncio.sleep(0.05)


async def test_a_trusted_proxy_names_its_caller_and_nobody_else_may(start, issuer):
    """By the PROXY protocol."""
    line = b"PROXY TCP4 203.0.113.7 127.0.0.1 1234 80\r\n"
    async with start() as started, peer(started) as one:
        await one.send(line + b"GET /livez HTTP/1.1\r\nHost: here\r\n\r\n")
        await refused(one, 400, "malformed-request")
    trusting = {"ENLACE_TRUSTED_PROXIES": "127.0.0.0/8", "ENLACE_HTTP_CONNECTIONS_PER_PEER": "1"}
    async with start(**trusting) as started:  # noqa: SIM117
        async with peer(started) as one, peer(started) as two, peer(started) as three:
            await one.send(line[:9])
            await asyncio.sleep(0.1)
            await one.send(line[9:] + b"GET /livez HTTP/1.1\r\nHost: here\r\n\r\n")
            assert (await one.answer())[0] == 200
            await two.send(line + b"GET /livez HTTP/1.1\r\nHost: here\r\n\r\n")
            await refused(two, 503, "too-many-connections")
            await three.send(line.replace(b".7", b".8") + b"GET /livez HTTP/1.1\r\nHost: here\r\n\r\n")
            assert (await three.answer())[0] == 200


def address(started):
    return started.client.base_url.host, started.client.base_url.port
