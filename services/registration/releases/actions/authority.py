"""The steps of the authority: sign a release off, and withdraw the sign-off until the handover."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.auth import Caller
from libs.chassis.database import now
from libs.chassis.etag import Condition
from services.registration.audit.rules import Actor
from services.registration.pack import Pack
from services.registration.protection_errors import AlreadyDone, NotTheAuthority, ReleaseNotReady
from services.registration.releases import queries
from services.registration.releases.actions.recording import (
    open_release,
    require_another,
    require_child_alone,
    written,
)
from services.registration.releases.queries import TABLE
from services.registration.releases.rules import DESK_SCOPE, Missing, missing_to_sign
from services.registration.releases.schemas import SignOffBody, SignOffWithdrawalBody
from services.registration.vault.queries import data_key
from services.registration.vault.sealing import Vault


def require_authority(caller: Caller) -> None:
    """Raise NotTheAuthority for a token that can do the work of the desk."""
    if DESK_SCOPE in caller.scopes:
        raise NotTheAuthority


async def sign_off(
    session: AsyncSession,
    release_id: UUID,
    body: SignOffBody,
    *,
    condition: Condition,
    actor: Actor,
    pack: Pack,
    vault: Vault,
) -> UUID:
    """Sign off the release as it is now."""
    row, person = await open_release(session, release_id, condition=condition, actor=actor)
    await require_child_alone(session, person)
    require_another(actor, named=row.named_by, verified=row.verified_by, child_view=row.view_by)
    missing = missing_to_sign(queries.steps_of(row))
    if missing:
        raise ReleaseNotReady(missing=[one.value for one in missing])
    key = await data_key(vault, person.id)
    row.authority = pack.reception.child_releases.authority
    row.sign_off_reference_sealed = key.seal(body.reference, table=TABLE, column=f"sign_off_reference.{row.id}")
    row.signed_at, row.signed_by = now(session), actor.principal
    row.withdrawn_at = row.withdrawn_because = None
    return await written(session, row, "sign_off", actor=actor)


async def withdraw_sign_off(
    session: AsyncSession, release_id: UUID, body: SignOffWithdrawalBody, *, condition: Condition, actor: Actor
) -> UUID:
    """Withdraw the sign-off. Every member of the authority may do it."""
    row, _ = await open_release(session, release_id, condition=condition, actor=actor)
    if row.signed_at is None:
        raise ReleaseNotReady(missing=[Missing.SIGN_OFF.value])
    if row.withdrawn_at is not None:
        raise AlreadyDone
    row.withdrawn_at, row.withdrawn_because = now(session), body.reason.value
    return await written(session, row, "withdraw_sign_off", actor=actor)
