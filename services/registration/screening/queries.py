"""Queries of screenings."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.instruments.asking import open_questions
from libs.instruments.model import Instrument
from services.registration.answers.queries import instrument_view
from services.registration.needs.restricted import restricted_role
from services.registration.screening.rules import ScreeningStatus, as_values
from services.registration.screening.schemas import Screening, ScreeningAnswerView, ScreeningView
from services.registration.vault.queries import data_keys
from services.registration.vault.sealing import DataKey, Vault

TABLE: Final = "restricted_screening"
_FIND: Final = "SELECT id, owner, sealed FROM restricted_screening WHERE id = ANY($1::bytea[]) ORDER BY id"


@dataclass(frozen=True, slots=True)
class Kept:
    """A screening from the store, with the key under which it is sealed."""

    screening: Screening
    key: DataKey


async def find(session: AsyncSession, returnee_ids: Collection[UUID], *, vault: Vault) -> Kept | None:
    """The screening of a person with these records, or None. The newest one, if records with one each were merged."""
    names = [name_of(vault, one) for one in returnee_ids]
    async with restricted_role(session) as connection:
        rows = await connection.fetch(_FIND, names)
    keys = await data_keys(vault, {row["owner"] for row in rows})
    kept = []
    for row in rows:
        if (key := keys.get(row["owner"])) is not None:
            text = key.open(row["sealed"], table=TABLE, column=row["id"].hex())
            kept.append(Kept(Screening.model_validate_json(text), key))
    return max(kept, key=lambda one: one.screening.id, default=None)


def name_of(vault: Vault, returnee_id: UUID) -> bytes:
    """The keyed hash under which the screening of a record is stored."""
    return vault.restricted.blind("screening", str(returnee_id))


def view(screening: Screening, instrument: Instrument, language: str | None) -> ScreeningView:
    """A screening in this language, or in the first approved one."""
    shown = instrument_view(instrument, language)
    values = as_values(screening.answers)
    is_open = screening.status is ScreeningStatus.OPEN
    waiting = open_questions(instrument, values) if is_open else []
    by_id = {one.id: one for one in shown.questions}
    return ScreeningView(
        returnee_id=screening.returnee_id,
        status=screening.status,
        version=screening.version,
        opened_at=screening.opened_at,
        ended_at=screening.ended_at,
        answers=[ScreeningAnswerView(question=one, value=value) for one, value in values.items()],
        next=by_id[waiting[0].id] if waiting else None,
        instrument=shown,
    )
