"""Queries of answers, and views of instruments."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from libs.chassis.errors import NotFound
from libs.instruments.asking import missing, open_questions
from libs.instruments.conditions import Condition, Value
from libs.instruments.model import Instrument, Instruments, Question, QuestionType
from services.registration.answers.rules import unpacked
from services.registration.answers.schemas import (
    AnswersView,
    AnswerView,
    InstrumentSummary,
    InstrumentView,
    OptionView,
    QuestionView,
)
from services.registration.answers.tables import AnswerSet
from services.registration.people.tables import Returnee
from services.registration.vault.actions import restricted_keys
from services.registration.vault.queries import data_key
from services.registration.vault.sealing import DataKey, Vault

_CURRENT = """
    SELECT DISTINCT ON (question) question, version, value_sealed, answered_at FROM answer WHERE set_id = $1
    ORDER BY question, version DESC
"""


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The present answer to a question, still sealed."""

    question: str
    version: int
    value_sealed: bytes
    answered_at: datetime


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys for the answers of one person."""

    person: DataKey
    restricted: DataKey | None
    """For soft indicators; None if the instrument has none."""

    def of(self, question: Question | None) -> DataKey:
        """The key for the answers to a question."""
        if question is None or not question.restricted:
            return self.person
        assert self.restricted is not None, "keys are made for the instrument"
        return self.restricted


def instrument(instruments: Instruments, code: str, version: int | None = None) -> Instrument:
    """A published version of an instrument, by default the current one; NotFound if there is none."""
    found = instruments.find(code, version)
    if found is None:
        raise NotFound
    return found


async def keys_of(session: AsyncSession, returnee_id: UUID, instrument: Instrument, *, vault: Vault) -> Keys:
    """The keys for the answers of a person to an instrument."""
    hidden = None
    if any(one.restricted for one in instrument.questions):
        hidden = (await restricted_keys(vault, [returnee_id], at=now(session)))[returnee_id]
    return Keys(await data_key(vault, returnee_id), hidden)


async def answer_set(session: AsyncSession, returnee_id: UUID, code: str) -> AnswerSet | None:
    """The answers of a person to an instrument, or None if there are none yet."""
    query = select(AnswerSet).where(AnswerSet.returnee_id == returnee_id, AnswerSet.instrument == code)
    return (await session.exec(query.execution_options(populate_existing=True))).first()


async def sets_of(session: AsyncSession, returnee_id: UUID) -> Sequence[AnswerSet]:
    """All instruments that a person has begun."""
    query = select(AnswerSet).where(AnswerSet.returnee_id == returnee_id).order_by(col(AnswerSet.instrument))
    return (await session.exec(query)).all()


async def stored(session: AsyncSession, set_id: UUID) -> dict[str, StoredAnswer]:
    """The present answers, sealed, by question."""
    rows = await (await raw(session)).fetch(_CURRENT, set_id)
    return {row["question"]: StoredAnswer(*row) for row in rows}


def opened(
    answers: Mapping[str, StoredAnswer], keys: Keys, instrument: Instrument, *, set_id: UUID, only: Collection[str]
) -> dict[str, Value]:
    """The values of these questions."""
    return {
        question: unpacked(
            keys.of(instrument.by_id.get(question)).open(
                one.value_sealed, table="answer", column=place(set_id, question, one.version)
            )
        )
        for question, one in answers.items()
        if question in only
    }


def place(set_id: UUID, question: str, version: int) -> str:
    """To what a sealed answer is bound: in another row it cannot be decrypted."""
    return f"{set_id}.{question}.{version}"


def private(question: Question) -> bool:
    """Whether only holders of `restricted:read` and of a certificate see the answers to a question."""
    return question.sealed or question.restricted


async def answers_view(
    session: AsyncSession,
    person: Returnee,
    row: AnswerSet | None,
    instrument: Instrument,
    *,
    language: str | None,
    sees_private: bool,
    newer: int | None,
    vault: Vault,
) -> AnswersView:
    """The answers of a person, as far as the caller may see them, and what to ask next."""
    known = {} if row is None else await stored(session, row.id)
    values: dict[str, Value] = {}
    if row is not None and known:
        keys = await keys_of(session, person.id, instrument, vault=vault)
        shown = {one.id for one in instrument.questions if sees_private or not private(one)}
        values = opened(known, keys, instrument, set_id=row.id, only=shown)
    # What is asked next never depends on a private answer: the check of the pack refuses such a condition.
    given = {**dict.fromkeys(known), **values}
    waiting = open_questions(instrument, given)
    chosen = instrument.language_for(language)
    return AnswersView(
        returnee_id=person.id,
        instrument=instrument.instrument,
        instrument_version=instrument.version,
        newer_version=newer,
        answers=[_answer_view(one, values) for one in known.values()],
        next=_question_view(waiting[0], chosen) if waiting else None,
        missing=missing(instrument, given),
        completed_at=None if row is None else row.completed_at,
        language=chosen,
        language_asked=language,
        is_fallback=language not in (None, chosen),
    )


def _answer_view(one: StoredAnswer, values: Mapping[str, Value]) -> AnswerView:
    return AnswerView(
        question=one.question,
        version=one.version,
        value=values.get(one.question),
        withheld=one.question not in values,
        answered_at=one.answered_at,
    )


def summary(instrument: Instrument) -> InstrumentSummary:
    """An instrument in a list."""
    return InstrumentSummary(
        instrument=instrument.instrument,
        version=instrument.version,
        use=instrument.use,
        label=instrument.label,
        languages=list(instrument.approved),
        questions_count=len(instrument.questions),
    )


def instrument_view(instrument: Instrument, language: str | None) -> InstrumentView:
    """An instrument in this language, or in its first approved one. Its rules are not part of the view."""
    chosen = instrument.language_for(language)
    return InstrumentView(
        instrument=instrument.instrument,
        version=instrument.version,
        use=instrument.use,
        label=instrument.label,
        title=instrument.title[chosen],
        languages=list(instrument.approved),
        sources=list(instrument.sources),
        questions=[_question_view(one, chosen) for one in instrument.questions],
        language=chosen,
        language_asked=language,
        is_fallback=language not in (None, chosen),
    )


def _question_view(question: Question, language: str) -> QuestionView:
    is_number = question.type is QuestionType.NUMBER
    return QuestionView(
        id=question.id,
        type=question.type,
        text=question.text[language],
        options=[OptionView(code=code, text=texts[language]) for code, texts in question.options.items()],
        ask_if=None if question.ask_if is None else _plain(question.ask_if),
        required=question.required,
        at_least=question.at_least if is_number else None,
        at_most=question.at_most if is_number else None,
        longest=question.longest if question.type is QuestionType.TEXT else None,
        private=private(question),
    )


def _plain(condition: Condition) -> dict[str, object]:
    return condition.model_dump(mode="json", by_alias=True, exclude_none=True)
