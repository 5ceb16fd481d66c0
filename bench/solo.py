"""Measures how long one person waits for all offers if nobody else arrives and nothing else is in progress.

The next person arrives only after the offers of the last one, and after a pause. The pauses differ, because otherwise
the arrivals could follow the rhythm in which a loop of the system looks for work. The time ends when Kafka has stored
the last offer. The clocks of both ends are that of the machine; Kafka's times are whole milliseconds.
"""

import asyncio
import random
from datetime import UTC, datetime

from aiokafka import AIOKafkaProducer

from bench.arrivals import TOPIC, arrivals
from bench.chain import PATIENCE_SECONDS, Side, land
from bench.watching import offers

PAUSE_SECONDS = (0.2, 0.4)
"""The shortest and the longest pause. After it, the relays and consumers are idle again."""
WARM_UP = 5
"""The first people are not counted: the system comes from another load."""


async def measure_solo(side: Side, people: int, *, run: str) -> list[float]:
    """The milliseconds from each arrival event to the last offer. Raises TimeoutError if a person gets no offers."""
    messages = list(arrivals(WARM_UP + people, run=run))
    if side.lands:
        await land(side, len(messages), run=run)
    chance = random.Random(run)  # noqa: S311 - pauses, not a secret
    waits = []
    producer = AIOKafkaProducer(bootstrap_servers=side.bootstrap, acks="all", linger_ms=0)
    await producer.start()
    try:
        async with offers(side.bootstrap) as heard:
            for message in messages:
                await asyncio.sleep(chance.uniform(*PAUSE_SECONDS))
                started = datetime.now(UTC)
                await producer.send(TOPIC, message.data, key=message.key.encode(), headers=message.headers())
                async with asyncio.timeout(PATIENCE_SECONDS):
                    last = await heard.of_next_person()
                waits.append(1000 * (last - started).total_seconds())
    finally:
        await producer.stop()
    return waits[WARM_UP:]
