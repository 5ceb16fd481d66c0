"""A flood of refusals fills no disk and no memory, and is counted."""

from libs.chassis.refused import LINES_A_MINUTE, LINES_OF_ONE_A_MINUTE, Sampler


class Time:
    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def test_one_client_fills_no_log_and_the_next_line_says_how_many_were_held_back():
    time = Time()
    sampler = Sampler(now=time)
    shown = [sampler.shown("invalid-token", "client") for _ in range(1_000)]
    assert [one for one in shown if one is not None] == [0] * LINES_OF_ONE_A_MINUTE
    assert sampler.shown("invalid-token", "another") == 1_000 - LINES_OF_ONE_A_MINUTE
    time.at = 61
    assert sampler.shown("invalid-token", "client") == 0


def test_many_peers_fill_neither_the_log_nor_the_memory():
    sampler = Sampler(now=Time())
    shown = [sampler.shown("token-missing", f"peer-{nth}") for nth in range(100_000)]
    assert sum(one is not None for one in shown) == LINES_A_MINUTE
    assert len(sampler._seen) <= LINES_A_MINUTE
