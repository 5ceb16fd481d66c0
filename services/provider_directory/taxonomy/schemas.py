"""The taxonomy as clients read it: in one language, as lists in the order of the pack."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from libs.taxonomy.model import Dimension, Level, Unit
from libs.taxonomy.questions import Code, Form, Language


class Term(BaseModel):
    """A code and what a person reads instead of it."""

    code: Code
    label: str


class CategoryTerm(Term):
    """The upper level."""

    definition: str
    dimension: Dimension
    level: Level
    basic: bool
    """True: such needs are offered with a case code, without consent. Only the packet requires consent."""
    open_eligibility: int | None
    """The id of the nearest service in the Open Eligibility taxonomy 2.0."""


class KindTerm(CategoryTerm):
    """The lower level: what exactly is needed."""

    category: Code
    unit: Unit
    """What one delivery is counted in."""
    details: list[Code]
    """The coded details that a need of this kind may have."""
    completion: list[Code]
    """The facts that a completion states."""
    yields: list[Code]
    """The documents and the like that the person has after it."""
    requires: list[Code]
    """The documents and the like that the person must have before it."""
    instead_of: list[Code]
    """The kinds for which this one may be offered if nothing better is found."""
    deprecated_by: Code | None
    """The kind to tell instead; null unless this kind is deprecated."""


class QuestionTerm(Term):
    """A detail of a need, or a fact of a completion."""

    form: Form
    values: list[Term]
    """The values that may be chosen; empty unless the form is a choice."""
    at_least: int | None
    at_most: int | None
    """The limits of a number; null for other forms."""


class FactTerm(QuestionTerm):
    """A fact of a completion."""

    met_by: list[bool | int | str]
    """The answers with which the need counts as met: of a number, the smallest one. Empty: every answer."""


class HsdsTaxonomy(BaseModel):
    """An HSDS 3.1 `taxonomy`."""

    id: UUID
    name: str
    description: str
    version: str


class HsdsTerm(BaseModel):
    """An HSDS 3.1 `taxonomy_term`: a category or a kind of need."""

    id: UUID = Field(description="Stays the same as long as country and code do")
    code: str = Field(description="The code of Enlace", examples=["prosthesis"])
    name: str = Field(examples=["Prosthesis"])
    description: str
    parent_id: UUID | None = Field(default=None, description="The term of the category; a category has none")
    taxonomy: str = Field(description="The name of the taxonomy")
    taxonomy_id: UUID
    language: str = Field(description="ISO 639", examples=["en"])


class HsdsTermsView(BaseModel):
    """The taxonomy as HSDS 3.1 describes it, for directories that exchange their data in that form."""

    taxonomy: HsdsTaxonomy
    taxonomy_terms: list[HsdsTerm]


class TaxonomyView(BaseModel):
    """The categories and kinds of need of a country."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "country": "GT",
                    "version": "guatemala-1",
                    "language": "en",
                    "languages": ["es", "en"],
                    "categories": [
                        {
                            "code": "health",
                            "label": "Health",
                            "definition": "Medical care and medication.",
                            "dimension": "social",
                            "level": "individual",
                            "basic": True,
                            "open_eligibility": 1206,
                        }
                    ],
                    "kinds": [
                        {
                            "code": "prosthesis",
                            "label": "Prosthesis",
                            "definition": "A prosthesis, and the rehabilitation to use it.",
                            "dimension": "social",
                            "level": "individual",
                            "basic": True,
                            "open_eligibility": 1208,
                            "category": "health",
                            "unit": "item",
                            "details": ["limb"],
                            "completion": ["device_fitted"],
                            "yields": [],
                            "requires": [],
                            "instead_of": [],
                            "deprecated_by": None,
                        }
                    ],
                    "documents": [{"code": "identity_card", "label": "Identity card (DPI)"}],
                    "details": [
                        {
                            "code": "limb",
                            "label": "Limb",
                            "form": "choice",
                            "values": [{"code": "leg", "label": "Leg"}],
                            "at_least": None,
                            "at_most": None,
                        }
                    ],
                    "facts": [
                        {
                            "code": "device_fitted",
                            "label": "Device fitted",
                            "form": "yes_no",
                            "values": [],
                            "at_least": None,
                            "at_most": None,
                            "met_by": [True],
                        }
                    ],
                }
            ]
        }
    )

    country: str
    version: str
    language: Language
    """The language of labels and definitions."""
    languages: list[Language] = Field(description="The languages in which this taxonomy can be read")
    categories: list[CategoryTerm]
    kinds: list[KindTerm]
    documents: list[Term]
    details: list[QuestionTerm]
    facts: list[FactTerm]
