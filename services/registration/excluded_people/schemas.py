"""What is told of an excluded person."""

from pydantic import BaseModel, ConfigDict

from libs.wire.names import Name
from services.registration.excluded_people.rules import ExcludedRelation


class ExcludedName(BaseModel):
    """The name of an excluded person, as far as it is known."""

    model_config = ConfigDict(extra="forbid")

    given_names: Name
    family_names: Name

    @property
    def pair(self) -> tuple[str, str]:
        """Given and family names, for a comparison."""
        return self.given_names, self.family_names


class ToldOfExcluded(BaseModel):
    """What is stored sealed of an excluded person."""

    name: ExcludedName | None = None
    relation: ExcludedRelation | None = None
    reason: str | None = None
    reason_words: str | None = None
