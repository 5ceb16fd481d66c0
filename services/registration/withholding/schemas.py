"""Bodies and views of excluded people and of reasons for withholding."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from libs.taxonomy.questions import Code
from services.registration.excluded_people.rules import ExcludedRelation
from services.registration.excluded_people.schemas import ExcludedName, ToldOfExcluded
from services.registration.people.schemas import Body
from services.registration.withholding.rules import WORDS_MAX, About

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=WORDS_MAX)]


class ExcludedPersonBody(Body):
    """A private person who must learn nothing: by name, by their own record here, or both."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": {"given_names": "Muestra Pareja", "family_names": "Ejemplo Otro"},
                    "relation": "former_partner",
                    "reason": "fear_of_harm",
                }
            ]
        },
    )

    name: ExcludedName | None = None
    returnee_id: UUID | None = None
    """The record of the excluded person, if they are registered and you can see them."""
    relation: ExcludedRelation | None = None
    reason: Code | None = None
    """A code of the pack. Omit it if the person does not say why: nobody must."""
    reason_words: Words | None = None
    """Only with the reason `other`. It is stored sealed."""

    @property
    def told(self) -> ToldOfExcluded:
        """What is stored sealed of it."""
        return ToldOfExcluded(
            name=self.name, relation=self.relation, reason=self.reason, reason_words=self.reason_words
        )


class ExcludedPersonView(BaseModel):
    """An excluded person."""

    id: UUID
    name: ExcludedName | None
    returnee_id: UUID | None = Field(description="Null if the person has no known record, or if you cannot see it")
    is_registered: bool = Field(description="Whether the excluded person has a known record")
    relation: ExcludedRelation | None
    reason: str | None = Field(description="Null if nobody said why")
    reason_words: str | None
    told_at: datetime


class ReasonBody(Body):
    """Why a person withholds something, in a code of the pack; null deletes what was said."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"about": "country", "value": "US", "reason": "fear_of_harm"}]},
    )

    about: About
    value: Annotated[str, StringConstraints(min_length=2, max_length=60)]
    """The id of an excluded organisation, an excluded place or country, or a purpose that the person does not allow."""
    reason: Code | None
    reason_words: Words | None = None
    """Only with the reason `other`. It is stored sealed."""


class ReasonView(BaseModel):
    """Why a person withholds something."""

    about: About
    value: str
    reason: str
    reason_words: str | None
    told_at: datetime
