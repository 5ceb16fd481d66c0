"""The receipt of a consent, for programs."""

from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, Field

from services.registration.receipts.rules import ReceiptLanguage


class ReceiptForm(StrEnum):
    """A page to print, or the same texts for a program."""

    HTML = "html"
    JSON = "json"


class ReceiptLine(BaseModel):
    """One element of the consent, in words."""

    element: str = Field(examples=["purpose"])
    label: str = Field(examples=["What for"])
    text: str = Field(examples=["To find help for you"])


class ReceiptView(BaseModel):
    """What the receipt says, in the language of the person if texts exist in it."""

    consent_id: UUID
    language: ReceiptLanguage
    is_persons_language: bool = Field(description="False if no text exists in a language of the person")
    title: str
    notice: str = Field(description="Says that the text is not in a language of the person; otherwise empty")
    lines: list[ReceiptLine]
    rights: str
    number: str
