"""A trace is found by the person it belongs to, and shown as a tree with durations."""

import json
from pathlib import Path

from rich.console import Console

from deploy.demo.traces import LINES_MAX, Span, as_tree, choose_trace, read_spans

SECOND = 1_000_000_000


def span(trace: str, number: int, *, parent: int | None = None, service: str = "referral", journey: str | None = None,
         start: int = 10 * SECOND) -> Span:  # fmt: skip
    return Span(trace, str(number), None if parent is None else str(parent), service, f"step {number}",
                start + number * 1_000_000, start + number * 1_000_000 + 500_000, journey)  # fmt: skip


def shown(spans: list[Span]) -> str:
    console = Console(width=120, no_color=True)
    with console.capture() as capture:
        console.print(as_tree(spans, title="K-1"))
    return capture.get()


def test_the_trace_that_touches_all_four_services_is_chosen() -> None:
    three = [
        span("a", n, service=s, journey="anna") for n, s in enumerate(["registration", "referral", "notifications"])
    ]
    names = ["registration", "referral", "notifications", "provider_directory"]
    four = [span("b", n, service=s, journey="ben" if s == "referral" else None) for n, s in enumerate(names)]
    chosen = choose_trace([*three, *four], ["anna", "ben"])
    assert chosen is not None
    assert (chosen[0], len(chosen[1])) == ("ben", 4)
    assert choose_trace(three, ["somebody else"]) is None


def test_children_hang_below_their_parents_and_durations_are_shown() -> None:
    text = shown([span("a", 0), span("a", 1, parent=0), span("a", 2, parent=1), span("a", 3, parent=99)])
    lines = [line.strip("│├└─ ").strip() for line in text.splitlines()]
    assert lines[1] == "+0 ms referral step 0  0.5 ms"
    assert text.splitlines()[3].startswith("│       └── ")
    assert lines[4].endswith("step 3  0.5 ms")


def test_a_long_trace_is_cut_and_says_so() -> None:
    text = shown([span("a", number) for number in range(LINES_MAX + 5)])
    assert len(text.splitlines()) == LINES_MAX + 2
    assert "more" in text.splitlines()[-1]


def test_spans_are_read_since_the_start_of_the_run_and_half_lines_are_passed_over(tmp_path: Path) -> None:
    record = {"trace_id": "a", "span_id": "1", "parent_span_id": None, "service": "referral", "name": "offer",
              "start": 10 * SECOND, "end": 11 * SECOND, "attributes": {"enlace.journey_id": "anna"}}  # fmt: skip
    old = {**record, "start": 1}
    (tmp_path / "referral-1.jsonl").write_text(
        "\n".join([json.dumps(old), json.dumps(record), json.dumps(record)[:40]]), encoding="utf-8"
    )
    (found,) = read_spans(tmp_path, since_ns=5 * SECOND)
    assert (found.journey_id, found.end - found.start) == ("anna", SECOND)
