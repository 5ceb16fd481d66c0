"""HTTP for instruments and the answers of people."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.errors import NotFound
from libs.chassis.idempotency import KeyReused, OnceOptional
from libs.chassis.problems import responses
from libs.chassis.tenancy import WHO_REGISTERS
from libs.taxonomy.questions import Code, Language
from services.registration.answers import actions, queries
from services.registration.answers.schemas import AnswersBody, AnswersView, InstrumentList, InstrumentView
from services.registration.audit.api import actor_of
from services.registration.errors import AnswerChanged, AnswersIncomplete, InstrumentVersionDiffers, ReturneeErased
from services.registration.pack import ThePack
from services.registration.vault.api import TheVault
from services.registration.walls import own

router = APIRouter(prefix="/v1", tags=["answers"])
Reader = Annotated[Caller, requires("returnees:read", by=WHO_REGISTERS)]
Writer = Annotated[Caller, requires("returnees:write", by=WHO_REGISTERS)]
InstrumentCode = Annotated[Code, Path(description="The instrument, such as `triage`", examples=["triage"])]
InLanguage = Annotated[
    Language | None, Query(description="ISO 639; without an approved translation, the first approved language is used")
]
OfVersion = Annotated[int | None, Query(ge=1, le=9999, strict=False, description="By default the current version")]


@router.get("/instruments", responses=responses())
async def list_instruments(caller: Reader, pack: ThePack) -> InstrumentList:
    """The current version of each instrument of the country."""
    return InstrumentList(items=[queries.summary(one) for one in pack.instruments.current.values()])


@router.get("/instruments/{instrument}", responses=responses(NotFound))
async def look_up_instrument(
    instrument: InstrumentCode, caller: Reader, pack: ThePack, language: InLanguage = None, version: OfVersion = None
) -> InstrumentView:
    """An instrument with its questions in one language. Only approved translations are shown.

    A client without a connection decides with `ask_if` which questions to ask. `is_fallback` says that no approved
    translation exists in the language that you asked for.
    """
    return queries.instrument_view(queries.instrument(pack.instruments, instrument, version), language)


@router.get("/returnees/{returnee_id}/answers/{instrument}", responses=responses(NotFound, ReturneeErased))
async def look_up_answers(
    returnee_id: UUID,
    instrument: InstrumentCode,
    session: Session,
    caller: Reader,
    pack: ThePack,
    vault: TheVault,
    response: Response,
    language: InLanguage = None,
) -> AnswersView:
    """What the person has answered, and what to ask next.

    Answers to private questions are shown only with `restricted:read` and a certificate that is valid now; for others
    they are `withheld`.
    """
    response.headers["Cache-Control"] = "no-store"
    actor = actor_of(caller, pack)
    return await actions.look_up_answers(
        session, returnee_id, instrument, language=language, actor=actor, vault=vault, pack=pack
    )


@router.patch(
    "/returnees/{returnee_id}/answers/{instrument}",
    responses=responses(NotFound, ReturneeErased, InstrumentVersionDiffers, AnswerChanged),
)
async def save_answers(
    returnee_id: UUID,
    instrument: InstrumentCode,
    body: AnswersBody,
    session: Session,
    caller: Writer,
    pack: ThePack,
    vault: TheVault,
    response: Response,
    language: InLanguage = None,
) -> AnswersView:
    """Save one or more answers, in any order. Each is stored by itself, and the same answer again changes nothing.

    To correct an answer, send its `version` as `replaces`; the earlier answer is kept, sealed. A person keeps the
    version of the instrument with which they began. After completion, a save judges the needs again: new ones are
    reported, and those that do not follow any more are marked in `origins`, never withdrawn.
    """
    response.headers["Cache-Control"] = "no-store"
    actor = actor_of(caller, pack)

    async def save() -> UUID:
        return await actions.save_answers(session, returnee_id, instrument, body, actor=actor, vault=vault, pack=pack)

    await own(session, save, returnee=returnee_id)()
    return await actions.show_answers(
        session, returnee_id, instrument, language=language, actor=actor, vault=vault, pack=pack
    )


@router.post(
    "/returnees/{returnee_id}/answers/{instrument}/complete",
    responses=responses(NotFound, ReturneeErased, AnswersIncomplete, KeyReused),
)
async def complete_answers(
    returnee_id: UUID,
    instrument: InstrumentCode,
    session: Session,
    caller: Writer,
    pack: ThePack,
    vault: TheVault,
    once: OnceOptional,
    response: Response,
) -> AnswersView:
    """Complete an instrument: the needs that follow from the answers are reported, each with its rule and questions.

    If nobody completes it, the needs that follow from the saved answers are reported after 15 minutes.
    """
    response.headers["Cache-Control"] = "no-store"
    actor = actor_of(caller, pack)

    async def complete() -> UUID:
        return await actions.complete_answers(session, returnee_id, instrument, actor=actor, vault=vault, pack=pack)

    await once(session, own(session, complete, returnee=returnee_id))
    return await actions.show_answers(
        session, returnee_id, instrument, language=None, actor=actor, vault=vault, pack=pack
    )
