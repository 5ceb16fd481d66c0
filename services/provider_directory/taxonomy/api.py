"""The taxonomy over HTTP."""

from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Depends, Header, Query, Request, Response, status

from libs.chassis.auth import Caller, requires
from libs.chassis.errors import FieldError, InvalidInput
from libs.chassis.etag import IfNoneMatch, Known
from libs.chassis.tenancy import WHO_REGISTERS
from libs.taxonomy.questions import Language
from services.provider_directory.taxonomy.queries import Rendered, Renderings, V
from services.provider_directory.taxonomy.rules import language_for
from services.provider_directory.taxonomy.schemas import HsdsTermsView, TaxonomyView

router = APIRouter(prefix="/v1", tags=["taxonomy"])
_UNCHANGED: Final[dict[int | str, dict[str, Any]]] = {304: {"description": "The reader has this taxonomy already"}}


async def _renderings(request: Request) -> Renderings:
    return cast(Renderings, request.app.state.taxonomy)


Taxonomies = Annotated[Renderings, Depends(_renderings)]
Reader = Annotated[Caller, requires("directory:read", by=WHO_REGISTERS)]
"""The taxonomy holds no rows: reception needs it to tell needs in its words."""


async def _language(
    taxonomy: Taxonomies,
    language: Annotated[Language | None, Query(description="One of the taxonomy's languages, such as `en`")] = None,
    accept_language: Annotated[str | None, Header(description="Used without `language`")] = None,
) -> str:
    if language is None:
        return language_for(accept_language, taxonomy.languages)
    if language not in taxonomy.languages:
        rule = f"must be one of {', '.join(taxonomy.languages)}"
        raise InvalidInput(errors=[FieldError("language", "language", rule)])
    return language


InLanguage = Annotated[str, Depends(_language)]


@router.get("/taxonomy", response_model=TaxonomyView, responses=_UNCHANGED)
async def read_taxonomy(
    response: Response, known: IfNoneMatch, taxonomy: Taxonomies, _caller: Reader, language: InLanguage
) -> TaxonomyView | Response:
    """The categories and kinds of need of this country, with labels and definitions in one language.

    The answer changes only with the country pack: keep it, and send its ETag in `If-None-Match`.
    """
    return _answer(response, known, taxonomy.in_language(language), language)


@router.get("/taxonomy/terms", response_model=HsdsTermsView, response_model_exclude_none=True, responses=_UNCHANGED)
async def read_taxonomy_terms(
    response: Response, known: IfNoneMatch, taxonomy: Taxonomies, _caller: Reader, language: InLanguage
) -> HsdsTermsView | Response:
    """The same categories and kinds as `taxonomy` and `taxonomy_term` of HSDS 3.1, for other directories."""
    return _answer(response, known, taxonomy.as_terms(language), language)


def _answer(response: Response, known: Known, found: Rendered[V], language: str) -> V | Response:
    headers = {"ETag": f'"{found.tag}"', "Content-Language": language, "Vary": "Accept-Language"}
    if known.has(found.tag):
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
    response.headers.update(headers)
    return found.view
