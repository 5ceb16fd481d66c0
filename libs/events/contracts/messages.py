"""Golden messages: complete records as they are sent, stored in files, one for each form that a type has had.

They are examples for readers of the contract. They are also test data: every version must be able to read all of them.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

LEDGER = "SHA256SUMS"
"""The file beside the messages that contains the digest of each message file. Entries are only added. `sha256sum -c`
can read it."""
USUAL = "usual"
"""The form that documents show."""


@dataclass(frozen=True, slots=True)
class Message:
    """One record: in binary mode `value` is the event's data, in structured mode the whole CloudEvent."""

    topic: str
    type: str
    form: str
    """The name of this form of the message, such as `usual`."""
    key: str
    headers: dict[str, str]
    value: Any

    @property
    def is_structured(self) -> bool:
        """Whether the CloudEvents attributes are in the value."""
        return self.headers["content-type"].startswith("application/cloudevents")

    @property
    def data(self) -> Any:
        """The event's data."""
        return self.value["data"] if self.is_structured else self.value

    @property
    def wire_headers(self) -> list[tuple[str, bytes]]:
        """The headers as Kafka stores them."""
        return [(name, value.encode()) for name, value in self.headers.items()]

    @property
    def wire_value(self) -> bytes:
        """The value as Kafka stores it."""
        return json.dumps(self.value, ensure_ascii=False).encode()


def messages_in(folder: Path) -> list[Message]:
    """Every message in `folder`, which has a folder per topic, in it a folder per type, and in it a file per form."""
    return [_message(path) for path in sorted(folder.glob("*/*/*.json"))]


def _message(path: Path) -> Message:
    stored = json.loads(path.read_text(encoding="utf-8"))
    return Message(path.parts[-3], path.parts[-2], path.stem, stored["key"], stored["headers"], stored["value"])


def digests_in(folder: Path) -> dict[str, str]:
    """SHA-256 of every message file, by its path inside `folder`."""
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.glob("*/*/*.json"))
    }


def ledger_of(text: str) -> dict[str, str]:
    """The content of a ledger: SHA-256 by path."""
    return {path: digest for digest, path in (line.split("  ", 1) for line in text.splitlines())}


def ledger_text(digests: dict[str, str]) -> str:
    """The text of a ledger with these digests."""
    return "".join(f"{digest}  {path}\n" for path, digest in sorted(digests.items()))


def ledger_faults(ledger: dict[str, str], found: dict[str, str]) -> Iterator[str]:
    """One sentence for each message of the ledger that was removed or changed, and for each that is not in it."""
    for path, digest in ledger.items():
        if path not in found:
            yield f"golden message {path} was removed"
        elif found[path] != digest:
            yield f"golden message {path} was changed: what is published stays, another form is another file"
    for path in sorted(found.keys() - ledger.keys()):
        yield f"golden message {path} is not in the ledger"
