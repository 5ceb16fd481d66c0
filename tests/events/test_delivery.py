"""From an outbox to the effects of another transaction, over a real broker."""

from tests.events.bus import Bus, running, until


async def test_committed_events_have_their_effects_once_and_in_order_per_key(bus: Bus) -> None:
    for number in range(20):
        await bus.append(*(bus.counted(name=f"key-{key}", number=number) for key in range(10)))
    async with running(bus.relay(), bus.consumer()):

        async def all_there() -> bool:
            return len(await bus.effects()) == 200

        await until(all_there)
    effects = await bus.effects()
    for key in range(10):
        assert [number for name, _, number in effects if name == f"key-{key}"] == list(range(20))
    assert await bus.fetch("SELECT 1 FROM outbox") == []
    assert len(await bus.fetch("SELECT 1 FROM outbox_sent")) == 200
