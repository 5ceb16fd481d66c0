"""What a sender says of a batch in words of their own, sealed, and the keyed hash by which the batch is found."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from services.registration.arrivals.tables import ArrivalBatch
from services.registration.vault.sealing import MasterKey

_PLACE = {"table": "arrival_batch", "column": "words"}


@dataclass(frozen=True, slots=True)
class Words:
    """What a batch is called, who carries it and from where."""

    sender_reference: str
    carrier: str | None = None
    origin: str | None = None


def reference_key(master: MasterKey, source: str, reference: str) -> bytes:
    """By what a batch is found."""
    return master.blind("arrival_batch", source, reference)


def sealed_words(words: Words, master: MasterKey, *, batch_id: UUID) -> bytes:
    """The words as the table keeps them."""
    return master.seal_words(json.dumps(asdict(words)), **_PLACE, row_id=batch_id)


def words_of(row: ArrivalBatch | Mapping[str, Any], master: MasterKey) -> Words:
    """The words of a batch; `VaultError` where they do not open.

    What stands in clear beside them was written later, by a process of before that does not know of them.
    """
    told = row.model_dump() if isinstance(row, ArrivalBatch) else row
    sealed = told["words_sealed"]
    opened = {} if sealed is None else json.loads(master.open_words(sealed, **_PLACE, row_id=told["id"]))
    in_clear = {name: told[name] for name in Words.__slots__ if told[name] is not None}
    return Words(**(opened | in_clear))


def keep_words(row: ArrivalBatch, words: Words, master: MasterKey) -> None:
    """Seal the words into the locked row.

    A reference that stands there in clear is left to `arrivals.loop`: to empty a column of a unique key would wait for
    everybody who registers people in the batch, and they wait for the row.
    """
    row.reference_key = reference_key(master, row.source, words.sender_reference)
    row.words_sealed = sealed_words(words, master, batch_id=row.id)
    row.carrier = row.origin = None
