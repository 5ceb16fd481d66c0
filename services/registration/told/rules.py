"""Who learns an answer (pure)."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from libs.instruments.model import Question

NETWORK: Final = UUID(int=0)
"""Stands for the network's own staff in the numbers."""


def may_learn(question: Question, recipient: Collection[str] | None, *, sees_private: bool) -> bool:
    """Whether an answer is told to somebody who wants to ask.

    `recipient` are the category and the type of service of the accepted offer; None: somebody who sees the person.
    """
    if question.sealed or question.restricted:
        return sees_private and recipient is None
    return recipient is None or bool(set(question.shown_to) & set(recipient))
