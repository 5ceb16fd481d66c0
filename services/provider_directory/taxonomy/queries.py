"""The taxonomy of the pack in one language."""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, Generic, TypeVar
from uuid import UUID, uuid5

from pydantic import BaseModel

from libs.taxonomy.model import Category, Kind, Taxonomy
from libs.taxonomy.questions import Fact, Form, Question
from services.provider_directory.taxonomy.schemas import (
    CategoryTerm,
    FactTerm,
    HsdsTaxonomy,
    HsdsTerm,
    HsdsTermsView,
    KindTerm,
    QuestionTerm,
    TaxonomyView,
    Term,
)

V = TypeVar("V", bound=BaseModel)
_TERMS: Final = UUID("6f0d4d1e-6a2c-5b0e-9d3f-2b8a4c1e7f50")
"""The name space of the ids of HSDS terms."""


class Rendered(Generic[V]):
    """The taxonomy in one language and form, and the entity tag of this text."""

    def __init__(self, view: V) -> None:
        self.view = view
        self.tag = hashlib.sha256(view.model_dump_json().encode()).hexdigest()[:32]


class Renderings:
    """The taxonomy of a pack in each of its languages. Each is made once, because the pack does not change."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._taxonomy = taxonomy
        most = len(taxonomy.languages)
        self._made = lru_cache(maxsize=most)(lambda language: Rendered(_view(taxonomy, language)))
        self._made_terms = lru_cache(maxsize=most)(lambda language: Rendered(terms_of(taxonomy, language)))

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that a reader may ask for; the first is used where a reader does not ask."""
        return self._taxonomy.languages

    def in_language(self, language: str) -> Rendered[TaxonomyView]:
        """The taxonomy in one of `languages`."""
        return self._made(language)

    def as_terms(self, language: str) -> Rendered[HsdsTermsView]:
        """The same in the form of HSDS."""
        return self._made_terms(language)


def _view(taxonomy: Taxonomy, language: str) -> TaxonomyView:
    return TaxonomyView(
        country=taxonomy.country,
        version=taxonomy.version,
        language=language,
        languages=list(taxonomy.languages),
        categories=[_category(code, one, language) for code, one in taxonomy.categories.items()],
        kinds=[_kind(code, one, taxonomy, language) for code, one in taxonomy.kinds.items()],
        documents=_terms(taxonomy.documents, language),
        details=[_question(code, one, language) for code, one in taxonomy.details.items()],
        facts=[_fact(code, one, language) for code, one in taxonomy.facts.items()],
    )


def _category(code: str, one: Category, language: str) -> CategoryTerm:
    return CategoryTerm(
        code=code,
        label=one.label[language],
        definition=one.definition[language],
        dimension=one.dimension,
        level=one.level,
        basic=one.basic,
        open_eligibility=one.open_eligibility,
    )


def _kind(code: str, one: Kind, taxonomy: Taxonomy, language: str) -> KindTerm:
    return KindTerm(
        code=code,
        label=one.label[language],
        definition=one.definition[language],
        dimension=taxonomy.dimension_of(code),
        level=taxonomy.level_of(code),
        basic=taxonomy.is_basic(code),
        open_eligibility=one.open_eligibility,
        category=one.category,
        unit=one.unit,
        details=list(one.details),
        completion=list(one.completion),
        yields=list(one.yields),
        requires=list(one.requires),
        instead_of=list(one.instead_of),
        deprecated_by=one.deprecated_by,
    )


def _question(code: str, one: Question, language: str) -> QuestionTerm:
    counts = one.form is Form.NUMBER
    return QuestionTerm(
        code=code,
        label=one.label[language],
        form=one.form,
        values=_terms(one.values, language),
        at_least=one.at_least if counts else None,
        at_most=one.at_most if counts else None,
    )


def _fact(code: str, one: Fact, language: str) -> FactTerm:
    return FactTerm(**_question(code, one, language).model_dump(), met_by=list(one.met_by))


def _terms(labels: Mapping[str, Mapping[str, str]], language: str) -> list[Term]:
    return [Term(code=code, label=texts[language]) for code, texts in labels.items()]


def terms_of(taxonomy: Taxonomy, language: str) -> HsdsTermsView:
    """The taxonomy in the form of HSDS 3.1: the categories as terms without a parent, and the kinds below them."""
    name = f"Kinds of need, {taxonomy.country}"

    def id_of(level: str, code: str) -> UUID:
        return uuid5(_TERMS, f"{taxonomy.country}/{level}/{code}")

    whole = HsdsTaxonomy(
        id=id_of("taxonomy", ""),
        name=name,
        description="What people may need when they return, in two levels",
        version=taxonomy.version,
    )
    entries: list[tuple[UUID, UUID | None, str, Category | Kind]] = [
        (id_of("category", code), None, code, one) for code, one in taxonomy.categories.items()
    ]
    entries += [
        (id_of("kind", code), id_of("category", one.category), code, one) for code, one in taxonomy.kinds.items()
    ]
    terms = [
        HsdsTerm(
            id=id_,
            code=code,
            name=one.label[language],
            description=one.definition[language],
            parent_id=parent,
            taxonomy=name,
            taxonomy_id=whole.id,
            language=language,
        )
        for id_, parent, code, one in entries
    ]
    return HsdsTermsView(taxonomy=whole, taxonomy_terms=terms)
