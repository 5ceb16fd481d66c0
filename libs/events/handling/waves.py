"""In which order handlers get the events of a batch: per key as published, across keys as many at once as possible."""

from collections.abc import Hashable, Iterator, Sequence


def waves(handlers: Sequence[int], keys: Sequence[Hashable]) -> Iterator[tuple[int, list[int]]]:
    """Yield (handler, positions): which handler comes next and with which events.

    `handlers[i]` and `keys[i]` belong to the i-th event. For one key events are handed out in their order, across
    handlers too. A key's events for one handler in a row go together. Next is the handler that has the fewest events
    waiting behind those of others: it needs the fewest further calls. Ties go to the handler declared first: what
    others build upon, such as a flight before its people, is declared before them.
    """
    if len(set(handlers)) == 1:
        yield handlers[0], list(range(len(handlers)))
        return
    runs = _runs_by_key(handlers, keys)
    ready: dict[int, list[int]] = {}
    behind: dict[int, int] = {}
    for index, key_runs in enumerate(runs):
        ready.setdefault(key_runs[-1][0], []).append(index)
        for handler, _ in key_runs[:-1]:
            behind[handler] = behind.get(handler, 0) + 1
    while ready:
        handler = min(ready, key=lambda h: (behind.get(h, 0), h))
        positions: list[int] = []
        for index in ready.pop(handler):
            positions.extend(runs[index].pop()[1])
            if runs[index]:
                following = runs[index][-1][0]
                behind[following] -= 1
                ready.setdefault(following, []).append(index)
        positions.sort()
        yield handler, positions


def _runs_by_key(handlers: Sequence[int], keys: Sequence[Hashable]) -> list[list[tuple[int, list[int]]]]:
    """For each key its runs of one handler, last first, so that the next one is popped from the end."""
    by_key: dict[Hashable, list[tuple[int, list[int]]]] = {}
    for position, (handler, key) in enumerate(zip(handlers, keys, strict=True)):
        runs = by_key.setdefault(key, [])
        if runs and runs[-1][0] == handler:
            runs[-1][1].append(position)
        else:
            runs.append((handler, [position]))
    for runs in by_key.values():
        runs.reverse()
    return list(by_key.values())
