"""The form of the parts of what senders tell, and the texts in them."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints

Reference = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[A-Za-z0-9._:/-]+$")]
LongText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]


class Part(BaseModel):
    """A part of a body: closed, frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def told(self, name: str) -> Any:
        """The value of a field, or None if it was omitted: a default is not a statement of the sender."""
        return getattr(self, name) if name in self.model_fields_set else None
