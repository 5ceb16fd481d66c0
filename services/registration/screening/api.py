"""HTTP for screenings. Both ends are one route, so that logs, spans and metrics do not tell them apart."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.errors import NotFound
from libs.chassis.etag import IfMatch, PreconditionRequired, VersionMismatch, etag_of
from libs.chassis.idempotency import KeyReused, OnceRequired
from libs.chassis.problems import responses
from libs.chassis.tenancy import WHO_REGISTERS
from services.registration.answers.api import InLanguage
from services.registration.audit.api import actor_of
from services.registration.errors import ReturneeErased
from services.registration.pack import Pack, ThePack
from services.registration.screening import actions
from services.registration.screening.schemas import ScreeningAnswers, ScreeningBody, ScreeningEnd, ScreeningView
from services.registration.screening_errors import (
    CertificateMissing,
    ScreeningEnded,
    ScreeningExists,
    ScreeningOfAnother,
)
from services.registration.vault.api import TheVault
from services.registration.vault.sealing import Vault
from services.registration.walls import own

router = APIRouter(prefix="/v1/returnees/{returnee_id}/screening", tags=["screening"])
Reader = Annotated[Caller, requires("screening:read", by=WHO_REGISTERS)]
Screener = Annotated[Caller, requires("screening:write", by=WHO_REGISTERS)]


@router.post(
    "",
    status_code=201,
    responses=responses(NotFound, ReturneeErased, CertificateMissing, ScreeningExists, KeyReused),
)
async def open_screening(
    returnee_id: UUID,
    body: ScreeningBody,
    session: Session,
    caller: Screener,
    pack: ThePack,
    vault: TheVault,
    once: OnceRequired,
    response: Response,
    language: InLanguage = None,
) -> ScreeningView:
    """Open the screening of a person. You need a certificate that is valid now, and `restricted:read`.

    It happens once in the life of a person. Tell the person before that they may stop at any time, and that nobody
    learns why. After a stop it can be opened again only if the person asks for it.
    """
    actor = actor_of(caller, pack)

    async def do() -> UUID:
        return await actions.open_screening(
            session, returnee_id, asked_by_person=body.asked_by_person, actor=actor, pack=pack, vault=vault
        )

    await once(session, own(session, do, returnee=returnee_id))
    return await _answer(session, returnee_id, caller, pack, vault, response, language)


@router.get("", responses=responses(NotFound, ReturneeErased, CertificateMissing))
async def look_up_screening(
    returnee_id: UUID,
    session: Session,
    caller: Reader,
    pack: ThePack,
    vault: TheVault,
    response: Response,
    language: InLanguage = None,
) -> ScreeningView:
    """The screening with its answers. Without a valid certificate the answer does not say whether there is one."""
    view = await actions.look_up_screening(
        session, returnee_id, language=language, actor=actor_of(caller, pack), pack=pack, vault=vault
    )
    return _shown(view, response)


@router.patch(
    "",
    responses=responses(
        NotFound,
        ReturneeErased,
        CertificateMissing,
        ScreeningEnded,
        ScreeningOfAnother,
        VersionMismatch,
        PreconditionRequired,
    ),
)
async def save_screening(
    returnee_id: UUID,
    body: ScreeningAnswers,
    session: Session,
    caller: Screener,
    pack: ThePack,
    vault: TheVault,
    condition: IfMatch,
    response: Response,
    language: InLanguage = None,
) -> ScreeningView:
    """Save one or more answers. The certificate is checked again. Only who opened the screening saves answers."""
    actor = actor_of(caller, pack)

    async def do() -> UUID:
        return await actions.save_screening(
            session, returnee_id, body, condition=condition, actor=actor, pack=pack, vault=vault
        )

    await own(session, do, returnee=returnee_id)()
    return await _answer(session, returnee_id, caller, pack, vault, response, language)


@router.post("/end", responses=responses(NotFound, ReturneeErased, CertificateMissing, ScreeningEnded, KeyReused))
async def end_screening(
    returnee_id: UUID,
    body: ScreeningEnd,
    session: Session,
    caller: Screener,
    pack: ThePack,
    vault: TheVault,
    once: OnceRequired,
    response: Response,
    language: InLanguage = None,
) -> ScreeningView:
    """End the screening: complete it, with what has been answered, or stop it.

    A stop deletes all answers and needs no reason; none is stored. Nobody who may not read the screening can tell a
    stopped one from a completed one without a finding.
    """
    actor = actor_of(caller, pack)

    async def do() -> UUID:
        return await actions.end_screening(session, returnee_id, body.how, actor=actor, pack=pack, vault=vault)

    await once(session, own(session, do, returnee=returnee_id))
    return await _answer(session, returnee_id, caller, pack, vault, response, language)


async def _answer(
    session: Session,
    returnee_id: UUID,
    caller: Caller,
    pack: Pack,
    vault: Vault,
    response: Response,
    language: str | None,
) -> ScreeningView:
    view = await actions.show_screening(
        session, returnee_id, language=language, actor=actor_of(caller, pack), pack=pack, vault=vault
    )
    return _shown(view, response)


def _shown(view: ScreeningView, response: Response) -> ScreeningView:
    response.headers["Cache-Control"] = "no-store"
    response.headers["ETag"] = etag_of(view.version)
    return view
