"""Takes in a correction that was made without a line, field by field."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.errors import InvalidInput
from libs.events.catalogue.arrivals import ReturnFacts
from libs.events.codes import ProtectionFlag
from libs.events.people_codes import AgeGroup
from services.registration.intake.actions import corrections
from services.registration.people.actions.field_changes import note_changes
from services.registration.people.queries import IDENTITY_FIELDS, identity_of, returnee
from services.registration.people.rules import age_band, birth_date_fault, birth_date_is_possible, group_of
from services.registration.people.schemas import ProfileCorrection, ReturneeCorrection
from services.registration.people.tables import Returnee
from services.registration.sync import queries
from services.registration.sync.actions.conflicts import NewConflict, keep_conflicts
from services.registration.sync.actions.deciding import ANY_VERSION, FLAGS, nested
from services.registration.sync.actions.given import Done, Given, Moments
from services.registration.sync.rules import (
    AGE,
    AGE_FIELDS,
    BIRTH_DATE,
    UNIONS,
    Change,
    ConflictKind,
    Held,
    Outcome,
    Verdict,
    is_more_careful,
    united,
    verdict,
)
from services.registration.sync.schemas import CorrectPerson
from services.registration.vault.queries import data_key
from services.registration.vault.sealing import DataKey


@dataclass(slots=True)
class _Merge:
    """What is written of a correction, what is kept beside it, and what somebody else had changed later."""

    written: dict[str, Any] = field(default_factory=dict)
    """What the device told and now counts, by pointer."""
    holding: dict[str, Any] = field(default_factory=dict)
    """The safer values that hold until a person has decided."""
    kept: list[NewConflict] = field(default_factory=list)
    superseded: list[str] = field(default_factory=list)


async def merge_correction(session: AsyncSession, op: CorrectPerson, moments: Moments, given: Given) -> Done:
    """Record the fields that count; keep those that wait for a person, and those that lost, with both values."""
    row = await returnee(session, op.returnee_id, actor=given.actor, lock=True)
    key = await data_key(given.vault, row.id)
    today = given.pack.reception.day_of(moments.now)
    changes = await queries.changes_of(session, row.id)
    merge = _merged(op.data, row, key, changes, moments, today=today)
    correction = nested(merge.written | merge.holding)
    if correction.pointers:
        await corrections.correct_returnee(
            session, row.id, correction, condition=ANY_VERSION, actor=given.actor, vault=given.vault, pack=given.pack
        )
    # What holds meanwhile is noted as changed with a line: the device does not know it.
    at = max([moments.made.at, *(changes[one].changed_at for one in merge.written if one in changes)])
    await note_changes(session, [row.id], merge.written, at=at, device_id=given.device_id)
    ids = await keep_conflicts(session, row.id, merge.kept, moments=moments, actor=given.actor, vault=given.vault)
    return Done(_outcome(merge), row.id, superseded=sorted(merge.superseded), conflict_ids=ids)


def _merged(
    told: ReturneeCorrection,
    row: Returnee,
    key: DataKey,
    changes: Mapping[str, Change],
    moments: Moments,
    *,
    today: date,
) -> _Merge:
    stored, merge = stored_values(row, key), _Merge()
    for pointer, value in told_values(told).items():
        last, before = _last(pointer, changes), stored[pointer]
        match verdict(pointer, told=value, stored=before, last=last, made=moments.made):
            case Verdict.APPLY:
                merge.written[pointer] = value
            case Verdict.OVERWRITE:
                merge.written[pointer] = value
                merge.kept.append(NewConflict(pointer, Held.TOLD, before, value, ConflictKind.SUPERSEDED))
            case Verdict.SUPERSEDED:
                merge.superseded.append(pointer)
                merge.kept.append(NewConflict(pointer, Held.STORED, before, value, ConflictKind.SUPERSEDED))
            case Verdict.CONFLICT:
                _hold(merge, pointer, value, before, row, today=today)
            case Verdict.SAME:
                pass
    return merge


def _last(pointer: str, changes: Mapping[str, Change]) -> Change | None:
    """The last change of a field; of the age, whichever of its two fields changed last."""
    fields = AGE_FIELDS if pointer in AGE_FIELDS else {pointer}
    return max((changes[one] for one in fields if one in changes), key=lambda one: one.revision, default=None)


def _hold(merge: _Merge, pointer: str, told: Any, stored: Any, row: Returnee, *, today: date) -> None:
    """Let the safer of two values of a field hold until a person has decided."""
    if pointer in UNIONS:
        held = Held.BOTH
        merge.holding[pointer] = united(stored, told)
    else:
        group = _group_of(pointer, told, today=today)
        held = Held.TOLD if is_more_careful(group, AgeGroup(row.age_group)) else Held.STORED
        if held is Held.TOLD:
            merge.holding[pointer] = told
    merge.kept.append(NewConflict(pointer, held, _without_hidden(pointer, stored), told))


def _group_of(pointer: str, told: Any, *, today: date) -> AgeGroup:
    if pointer == AGE:
        return AgeGroup(told["group"])
    born = None if told is None else date.fromisoformat(told)
    if born is not None and not birth_date_is_possible(born, on=today):
        raise InvalidInput(errors=[birth_date_fault("/identity")])
    return group_of(age_band(born, on=today))


def _without_hidden(pointer: str, value: Any) -> Any:
    """The value without the flag that only some may see."""
    if pointer != FLAGS:
        return value
    return [one for one in value if one != ProtectionFlag.RESTRICTED_PATH]


def _outcome(merge: _Merge) -> Outcome:
    if any(one.kind is ConflictKind.SAFETY for one in merge.kept):
        return Outcome.CONFLICT
    if merge.written:
        return Outcome.DONE
    return Outcome.SUPERSEDED if merge.superseded else Outcome.UNCHANGED


def told_values(told: ReturneeCorrection) -> dict[str, Any]:
    """What a correction tells, by pointer."""
    dump = told.model_dump(mode="json", exclude_unset=True)
    values: dict[str, Any] = {}
    for pointer in told.pointers:
        here = dump
        for step in pointer.removeprefix("/").split("/"):
            here = here[step]
        values[pointer] = here
    return values


def stored_values(row: Returnee, key: DataKey) -> dict[str, Any]:
    """What is stored of every field that can be corrected, by pointer, in the form of JSON."""
    identity = identity_of(row, key).model_dump(mode="json")
    values: dict[str, Any] = {f"/identity/{name}": identity[name] for name in IDENTITY_FIELDS}
    for name in ProfileCorrection.model_fields.keys() - {"age"}:
        value = getattr(row, name)
        values[f"/profile/{name}"] = list(map(str, value)) if isinstance(value, list) else value
    values |= {f"/return_facts/{name}": getattr(row, f"return_{name}") for name in ReturnFacts.model_fields}
    basis = row.age_basis
    values[AGE] = None if basis is None else {"group": row.age_group, "basis": basis}
    values["/reception_place"] = row.reception_place
    assert BIRTH_DATE in values, "the identity has it"
    return values
