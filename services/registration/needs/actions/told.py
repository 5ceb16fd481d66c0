"""Makes the needs that a person tells into needs to record: their ids, their keys, and what each waits for."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from uuid_utils.compat import uuid7

from libs.events.catalogue.arrivals import NeedTold
from libs.events.codes import NeedCategory
from libs.events.detail_values import by_detail
from services.registration.households.schemas import HouseholdState
from services.registration.needs.rules import KnownNeeds, in_order, known_prerequisite, prerequisite, told_need
from services.registration.needs.schemas import NewNeed
from services.registration.vault.sealing import LAST_PLACE, MasterKey, Vault


@dataclass(frozen=True, slots=True)
class Teller:
    """A person who reports needs; the row is locked or new."""

    returnee_id: UUID
    arrival_batch_id: UUID | None
    household: HouseholdState | None
    source: str
    traceparent: str | None
    restricted: Collection[NeedCategory] = ()
    """The categories whose needs are stored in a separate store."""
    is_new: bool = False
    """True if these needs come with the registration of the person. If they are sent again after a restore,
    they get the same ids."""


def told_needs(needs: Sequence[NeedTold], teller: Teller, *, known: KnownNeeds, vault: Vault) -> list[NewNeed]:
    """The needs that a person reports, each after the need that it waits for.

    A need of several people belongs to the household, under its reference person. `known` are the person's earlier
    needs, for `after_category` and `after_kind`.
    """
    told = [told_need(need) for need in needs]
    ids: dict[int, UUID] = {}
    made: list[NewNeed] = []
    for place in in_order(told):
        need, need_id = needs[place], _need_id(needs, place, teller, vault, nth=len(made))
        before = prerequisite(told, place)
        shared = teller.household if need.people_count > 1 else None
        reference = need.sender_reference
        made.append(
            NewNeed(
                id=need_id,
                need_key=None if reference is None else need_key(vault.master, teller, reference),
                returnee_id=shared.reference_returnee_id if shared else teller.returnee_id,
                household_id=shared.id if shared else None,
                arrival_batch_id=teller.arrival_batch_id,
                category=need.category,
                kind=need.kind,
                detail_values=by_detail(need.detail_values),
                urgency=need.urgency,
                people_count=need.people_count,
                after_need_id=known_prerequisite(told[place], known) if before is None else ids[before],
                traceparent=shared.traceparent if shared else teller.traceparent,
                restricted=need.category in teller.restricted,
            )
        )
        ids[place] = need_id
    return made


def _need_id(needs: Sequence[NeedTold], place: int, teller: Teller, vault: Vault, *, nth: int) -> UUID:
    """The id of a need. Needs that came with the person keep their order; later ones with a reference come after them.

    The id of a restricted need is derived with the key of restricted needs. Without this key nobody can calculate the
    ids that a person's needs would have.
    """
    need = needs[place]
    master = vault.restricted if need.category in teller.restricted else vault.master
    milliseconds = teller.returnee_id.int >> 80
    place_in_order = nth if teller.is_new else LAST_PLACE
    if need.sender_reference is not None:
        key = need_key(vault.master, teller, need.sender_reference).hex()
        return master.derived_id("need", key, milliseconds=milliseconds, place=place_in_order)
    if not teller.is_new:
        return uuid7()
    earlier = sum((one.category, one.kind) == (need.category, need.kind) for one in needs[:place])
    parts = (str(teller.returnee_id), need.category, *(() if need.kind is None else (need.kind,)), str(earlier))
    return master.derived_id("need told first", *parts, milliseconds=milliseconds, place=nth)


def need_key(master: MasterKey, teller: Teller, reference: str) -> bytes:
    """The key that recognises a repeated need: sender, person and the sender's reference."""
    return master.blind("need", teller.source, str(teller.returnee_id), reference)
