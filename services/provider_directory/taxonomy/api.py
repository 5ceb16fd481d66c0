"""The taxonomy over HTTP."""

from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Depends, Header, Query, Request, Response, status

from libs.chassis.auth import Caller, requires
from libs.chassis.errors import FieldError, InvalidInput
from libs.chassis.etag import IfNoneMatch
from libs.chassis.tenancy import ORGANIZATIONS_AND_STAFF
from libs.taxonomy.questions import Language
from services.provider_directory.taxonomy.queries import Renderings
from services.provider_directory.taxonomy.rules import language_for
from services.provider_directory.taxonomy.schemas import TaxonomyView

router = APIRouter(prefix="/v1", tags=["taxonomy"])
_UNCHANGED: Final[dict[int | str, dict[str, Any]]] = {304: {"description": "The reader has this taxonomy already"}}


async def _renderings(request: Request) -> Renderings:
    return cast(Renderings, request.app.state.taxonomy)


@router.get("/taxonomy", response_model=TaxonomyView, responses=_UNCHANGED)
async def read_taxonomy(
    response: Response,
    known: IfNoneMatch,
    taxonomy: Annotated[Renderings, Depends(_renderings)],
    _caller: Annotated[Caller, requires("directory:read", by=ORGANIZATIONS_AND_STAFF)],
    language: Annotated[Language | None, Query(description="One of the taxonomy's languages, such as `en`")] = None,
    accept_language: Annotated[str | None, Header(description="Used without `language`")] = None,
) -> TaxonomyView | Response:
    """The categories and kinds of need of this country, with labels and definitions in one language.

    The answer changes only with the country pack: keep it, and send its ETag in `If-None-Match`.
    """
    if language is None:
        language = language_for(accept_language, taxonomy.languages)
    elif language not in taxonomy.languages:
        rule = f"must be one of {', '.join(taxonomy.languages)}"
        raise InvalidInput(errors=[FieldError("language", "language", rule)])
    found = taxonomy.in_language(language)
    headers = {"ETag": f'"{found.tag}"', "Content-Language": language, "Vary": "Accept-Language"}
    if known.has(found.tag):
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
    response.headers.update(headers)
    return found.view
