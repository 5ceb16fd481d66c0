"""Shows several logs as one stream; each line begins with the name of its process."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

COLOURS = ("cyan", "green", "yellow", "magenta", "blue", "bright_red", "bright_cyan", "bright_green")
LOOK_SECONDS = 0.2


class Tail:
    """Reads one log; each read continues where the last one ended."""

    def __init__(self, path: Path, *, lines: int) -> None:
        self.name = path.stem
        self._path = path
        self._rest = b""
        content = path.read_bytes()
        self._at = len(content)
        self._first = content.splitlines()[-lines:] if lines else []

    def more(self) -> list[str]:
        """The complete lines that were written since the last call. A log that was replaced is read from its start."""
        first, self._first = self._first, []
        with contextlib.suppress(FileNotFoundError), self._path.open("rb") as file:
            if self._path.stat().st_size < self._at:
                self._at, self._rest = 0, b""
            file.seek(self._at)
            new = file.read()
            self._at += len(new)
            *whole, self._rest = (self._rest + new).split(b"\n")
            first += whole
        return [line.decode(errors="replace") for line in first]


def follow(directory: Path, *, names: Sequence[str], lines: int, for_ever: bool) -> None:
    """Print the last lines of the logs and then each new line, until Ctrl-C. Logs that appear later are included."""
    console = Console(highlight=False, soft_wrap=True, file=sys.stdout)
    tails: dict[Path, Tail] = {}
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            for path in sorted(directory.glob("*.log")):
                if path not in tails and (not names or path.stem in names):
                    tails[path] = Tail(path, lines=lines)
            for number, tail in enumerate(tails.values()):
                for line in tail.more():
                    label = Text(f"{tail.name:<20} ", style=COLOURS[number % len(COLOURS)])
                    console.print(label + Text(line))
            if not for_ever:
                return
            time.sleep(LOOK_SECONDS)
