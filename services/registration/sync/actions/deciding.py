"""Records the value that a person has chosen in a conflict, through the action of the ordinary route."""

from typing import Any

from pydantic import ValidationError
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.errors import FieldError, InvalidInput
from libs.chassis.etag import Condition
from libs.events.catalogue.arrivals import SafeContactTold
from libs.events.codes import ProtectionFlag
from services.registration.audit.rules import Actor
from services.registration.consent.actions import consents, safe_contacts
from services.registration.consent.schemas import AnyConsentTold
from services.registration.intake.actions import corrections
from services.registration.pack import Pack
from services.registration.people.queries import returnee
from services.registration.people.schemas import ReturneeCorrection
from services.registration.sync.rules import SAFE_CONTACT, SAFETY
from services.registration.sync.tables import SyncConflict
from services.registration.vault.sealing import Vault

ANY_VERSION = Condition("*")
FLAGS = "/profile/protection_flags"


async def take_value(
    session: AsyncSession, row: SyncConflict, value: Any, *, told: bool, actor: Actor, vault: Vault, pack: Pack
) -> None:
    """Record the stored or told value of a conflict. Raises InvalidInput for a conflict that has no value to choose."""
    if row.field == SAFE_CONTACT:
        contact = SafeContactTold.model_validate(value)
        await safe_contacts.set_safe_contact(session, row.returnee_id, contact, actor=actor, vault=vault, pack=pack)
    elif row.field in SAFETY:
        if row.field == FLAGS:
            value = await _with_hidden(session, row, value, actor=actor)
        await corrections.correct_returnee(
            session,
            row.returnee_id,
            nested({row.field: value}),
            condition=ANY_VERSION,
            actor=actor,
            vault=vault,
            pack=pack,
        )
    elif row.field.startswith("/consents/") and value is not None:
        consent = AnyConsentTold.model_validate(value)
        await consents.give_consent(session, row.returnee_id, consent, actor=actor, vault=vault, pack=pack)
    elif row.field.startswith("/consents/"):
        return  # of a consent that one side withdrew, and of one that was not recorded, nothing is left to take back
    else:
        detail = "Here nothing can be recorded: use the usual routes, and resolve the conflict with `mended` or `held`."
        raise InvalidInput(errors=[FieldError("/resolution", "nothing-to-record", detail)])


async def _with_hidden(session: AsyncSession, row: SyncConflict, flags: list[str], *, actor: Actor) -> list[str]:
    """The flags, with the one that only some may see if the person has it: a conflict never holds it."""
    person = await returnee(session, row.returnee_id, actor=actor)
    return [*flags, *(one for one in person.protection_flags if one == ProtectionFlag.RESTRICTED_PATH)]


def nested(values: dict[str, Any]) -> ReturneeCorrection:
    """A correction of the fields with these pointers."""
    parts: dict[str, Any] = {}
    for pointer, value in values.items():
        *outer, name = pointer.removeprefix("/").split("/")
        here = parts
        for step in outer:
            here = here.setdefault(step, {})
        here[name] = value
    try:
        return ReturneeCorrection.model_validate(parts)
    except ValidationError as error:  # the entries of both lists together may be more than a list may have
        places = ["/".join(["", *map(str, one["loc"])]) for one in error.errors()]
        faults = [FieldError(place, "too-many-together", "Both lists together are too long.") for place in places]
        raise InvalidInput(errors=faults) from None
