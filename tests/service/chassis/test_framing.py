"""Where a request ends is never in doubt: what two readers could divide in two ways is refused whole."""

import asyncio

import pytest

HIDDEN = b"GET /v1/hidden HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /v1/things HTTP/1.1\r\nHost: x\r\n"
AMBIGUOUS = {
    "a length and chunks": POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunks and a length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 60\r\n\r\n0\r\n\r\n" + HIDDEN,
    "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}" + HIDDEN,
    "a length that is a list": POST + b"Content-Length: 2, 40\r\n\r\n{}" + HIDDEN,
    "a length with a sign": POST + b"Content-Length: +2\r\n\r\n{}" + HIDDEN,
    "chunks that are not the last coding": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a coding that is almost chunked": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "white space before the colon": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a header that goes on in the next line": POST + b"Content-Length:\r\n 2\r\n\r\n{}" + HIDDEN,
    "a size of a chunk that is no number": POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n" + HIDDEN,
    "lines that end in a line feed alone": POST.replace(b"\r\n", b"\n") + b"Content-Length: 2\n\n{}" + HIDDEN,
}


async def answered(things, sent: bytes) -> bytes:
    """All that the server answers before it closes the connection, or falls silent."""
    reader, writer = await asyncio.open_connection(things.client.base_url.host, things.client.base_url.port)
    writer.write(sent)
    await writer.drain()
    received = b""
    try:
        while piece := await asyncio.wait_for(reader.read(65_536), 2):
            received += piece
    except TimeoutError:
        pass
    finally:
        writer.close()
    return received


@pytest.mark.parametrize("case", AMBIGUOUS)
async def test_what_may_end_in_two_places_is_refused_whole(things, case):
    """One answer, a 400, and the connection ends: what stood behind is not read as a request of anybody.

    Where the parser is told to be lenient about lengths and codings, four of them pass.
    """
    received = await answered(things, AMBIGUOUS[case])
    assert received.startswith(b"HTTP/1.1 400 "), received[:200]
    assert received.count(b"HTTP/1.1 ") == 1


async def test_a_request_in_chunks_ends_with_its_last_chunk(things):
    """And the one behind it is one of its own: the server reads on where the first has ended."""
    received = await answered(things, POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n" + HIDDEN)
    assert received.count(b"HTTP/1.1 ") == 2
    assert b"HTTP/1.1 404 " in received
