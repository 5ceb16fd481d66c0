"""The order in which handlers get the events of a batch: events of one key in the order of publication, and otherwise
as many events as possible in one call."""

from collections.abc import Hashable, Iterator, Sequence


def waves(handlers: Sequence[int], keys: Sequence[Hashable]) -> Iterator[tuple[int, list[int]]]:
    """Yield (handler, positions): the handler that is called next, and the positions of its events.

    `handlers[i]` and `keys[i]` belong to the i-th event. Events of one key keep their order, even if they have
    different handlers. Consecutive events of a key for one handler are passed together. The next handler is the one
    with the fewest events that still wait for events of other handlers, because it needs the fewest further calls. If
    several have the same number, the one that was declared first is next. A handler on which others depend, such as
    that for flights before that for people, is therefore declared before them.
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
    """For each key its runs of events for one handler, in reverse order, so that the next run is popped from the
    end."""
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
