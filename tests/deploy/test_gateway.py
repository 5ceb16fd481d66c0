"""The published ports of containers: one door for as many containers of a service as there are."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx

from deploy.docker import gateway
from deploy.local.processes import free_port

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"


async def container(address: str, port: int, says: bytes) -> asyncio.Server:
    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWER + says)
        writer.close()

    return await asyncio.start_server(take, address, port)


async def ask(port: int) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(f"http://127.0.0.1:{port}/")


async def served(port: int, inside: int) -> asyncio.Server:
    return await gateway.serve(port, "referral", inside, address="127.0.0.1")


async def test_both_containers_of_a_service_answer_behind_one_port_and_one_is_enough(monkeypatch):
    inside, port = free_port(), free_port()

    async def found(host, _):
        assert host == "referral"
        return ["127.0.0.2", "127.0.0.3"]

    monkeypatch.setattr(gateway, "addresses_of", found)
    async with await served(port, inside):
        one, two = await container("127.0.0.2", inside, b"11"), await container("127.0.0.3", inside, b"22")
        async with two:
            async with one:
                assert {(await ask(port)).text for _ in range(40)} == {"11", "22"}
            assert {(await ask(port)).text for _ in range(10)} == {"22"}


async def test_where_no_container_takes_a_connection_the_caller_is_told_to_come_again():
    port = free_port()
    async with await gateway.serve(port, "127.0.0.1", free_port(), address="127.0.0.1"):
        answer = await ask(port)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(600):
        if await condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not happen")


async def test_a_caller_that_only_listens_is_let_go_when_the_service_closes(monkeypatch):
    """With `await asked` in place of its end the silent caller's place was never free again."""
    monkeypatch.setattr(gateway, "CONNECTIONS_PER_PEER", 1)
    inside, port = free_port(), free_port()

    async def close_at_once(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    service = await asyncio.start_server(close_at_once, "127.0.0.1", inside)
    door = await gateway.serve(port, "127.0.0.1", inside, address="127.0.0.1")
    async with service, door:
        silent, silent_end = await asyncio.open_connection("127.0.0.1", port)
        assert await asyncio.wait_for(silent.read(), 300) == b""

        async def has_a_place() -> bool:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                return await asyncio.wait_for(reader.read(), 300) == b""
            finally:
                writer.close()

        await until(has_a_place)
        silent_end.close()


async def test_one_address_gets_so_many_connections_through_the_gateway(monkeypatch):
    """Taken out: the count of `peers`."""
    monkeypatch.setattr(gateway, "CONNECTIONS_PER_PEER", 2)
    inside, port = free_port(), free_port()
    door = await gateway.serve(port, "127.0.0.1", inside, address="127.0.0.1")
    async with await container("127.0.0.1", inside, b"ok"), door:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]

        async def is_full() -> bool:
            return (await ask(port)).status_code == 503

        await until(is_full)
        for _, writer in held:
            writer.close()

        async def is_open() -> bool:
            return (await ask(port)).status_code == 200

        await until(is_open)
