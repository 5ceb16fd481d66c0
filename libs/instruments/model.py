"""One version of an instrument, as a closed model of its file `instruments/<name>.yaml` (pure)."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints

from libs.chassis.yaml_files import PackPart
from libs.events.codes import NeedCategory, NeedKind, Urgency
from libs.instruments.conditions import Condition
from libs.taxonomy.questions import Code, Language

UNOFFICIAL = "UNOFFICIAL-equal-weight"
"""The label of an instrument of reintegration that is not the official one of IOM."""
TRIAGE_QUESTIONS_MAX = 5
"""Five answers start everything (domain P30)."""
TEXT_MAX = 300
SCREENING_ANSWERS_BYTES_MAX = 7_168
"""The most that all answers to a screening may take, so that every screening is stored with the same length."""
_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=400)]
Texts = dict[Language, _Text]
"""A text by language. A language may be missing while its translation is a draft."""


class Use(StrEnum):
    """What an instrument is for."""

    TRIAGE = "triage"
    VULNERABILITY = "vulnerability"
    PROTECTION = "protection"
    REINTEGRATION = "reintegration"
    SCREENING = "screening"
    """A protected conversation, once, by a person with a certificate. Reception never sees such an instrument."""


class TranslationStatus(StrEnum):
    """How far a translation is. Only approved ones are shown to people."""

    DRAFT = "draft"
    REVIEWED = "reviewed"
    APPROVED = "approved"


class Translation(PackPart):
    """The status of one language of an instrument, and who decided it."""

    status: TranslationStatus
    by: _Text | None = None
    day: date | None = None


class QuestionType(StrEnum):
    """The form of an answer."""

    YES_NO = "yes_no"
    ONE_OF = "one_of"
    SEVERAL_OF = "several_of"
    NUMBER = "number"
    DATE = "date"
    TEXT = "text"


CHOSEN = frozenset({QuestionType.ONE_OF, QuestionType.SEVERAL_OF})
COMPARABLE = frozenset({QuestionType.YES_NO, QuestionType.NUMBER, *CHOSEN})
"""Types of questions that a condition may read. Words and days of a person decide nothing by themselves."""


def _bare_codes(told: Any) -> Any:
    """YAML reads an option `yes` or `no` as a boolean."""
    names = {True: "yes", False: "no"}
    return {names.get(key, key): text for key, text in told.items()} if isinstance(told, dict) else told


class Question(PackPart):
    """One question of an instrument."""

    id: Code
    type: QuestionType
    text: Texts
    options: Annotated[dict[Code, Texts], BeforeValidator(_bare_codes)] = {}
    """The answers from which a person chooses."""
    ask_if: Condition | None = None
    """When it is asked; None: always."""
    required: bool = True
    """Whether the instrument is complete only with an answer to it. That the person does not want to answer is one."""
    at_least: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    at_most: Annotated[int, Field(ge=0, le=1_000_000)] = 1_000_000
    """For a number: the smallest and the largest one."""
    future: bool = False
    """For a date: whether it may be after today."""
    longest: Annotated[int, Field(ge=1, le=TEXT_MAX)] = TEXT_MAX
    """For a text: its greatest length in characters."""
    serves: tuple[str, ...] = ()
    """The decisions for which it is asked, such as `need:bed_tonight` (`decisions`)."""
    shown_to: tuple[Code, ...] = ()
    """Categories of need and types of service: an organisation that has accepted an offer of one of them learns the
    answer if it asks for it."""
    sealed: bool = False
    """True: no organisation learns the answer, and nobody asks again; a desk says what may be said."""
    restricted: bool = False
    """True for a soft indicator: only holders of `restricted:read` see the answer."""


class NeedRule(PackPart):
    """A need that follows from answers: of a kind, or of a category if the kind is not known."""

    when: Condition
    kind: NeedKind | None = None
    category: NeedCategory | None = None
    urgency: Urgency = Urgency.NORMAL


class ReviewRule(PackPart):
    """A private review that follows from soft indicators: a need of a restricted category, which a desk reviews before
    anything else happens."""

    when: Condition
    category: NeedCategory
    urgency: Urgency = Urgency.URGENT


class Instrument(PackPart):
    """One version of an instrument."""

    instrument: Code
    version: Annotated[int, Field(ge=1, le=9999)]
    use: Use
    published: bool = False
    """False: a draft, which the services do not show. A published version never changes (`published`)."""
    label: str | None = None
    official_of: str | None = None
    """Who publishes the official instrument, if this is one."""
    certificate: Code | None = None
    """For a screening: the kind of certificate that whoever leads it must hold."""
    title: Texts
    sources: Annotated[tuple[str, ...], Field(min_length=1)]
    """Where its questions come from."""
    languages: Annotated[dict[Language, Translation], Field(min_length=1)]
    questions: Annotated[tuple[Question, ...], Field(min_length=1, max_length=60)]
    needs: dict[Code, NeedRule] = {}
    reviews: dict[Code, ReviewRule] = {}

    @property
    def name(self) -> str:
        """Instrument and version, such as `triage.1`."""
        return f"{self.instrument}.{self.version}"

    @cached_property
    def by_id(self) -> Mapping[str, Question]:
        """Its questions by id, in their order."""
        return {one.id: one for one in self.questions}

    @property
    def approved(self) -> tuple[str, ...]:
        """The languages in which it may be shown, in the order of the file."""
        return tuple(one for one, how in self.languages.items() if how.status is TranslationStatus.APPROVED)

    def language_for(self, asked: str | None) -> str:
        """The language in which it is shown to somebody who asks for this one: the first approved one as a fallback."""
        return asked if asked in self.approved else self.approved[0]


class Instruments(PackPart):
    """All versions of all instruments of a pack."""

    versions: tuple[Instrument, ...] = ()

    @cached_property
    def current(self) -> Mapping[str, Instrument]:
        """The newest published version of each instrument."""
        newest: dict[str, Instrument] = {}
        for one in sorted(self.versions, key=lambda one: one.version):
            if one.published:
                newest[one.instrument] = one
        return dict(sorted(newest.items()))

    def find(self, instrument: str, version: int | None = None) -> Instrument | None:
        """A published version, or the current one; None if there is none."""
        if version is None:
            return self.current.get(instrument)
        known = (one for one in self.versions if (one.instrument, one.version) == (instrument, version))
        return next((one for one in known if one.published), None)

    def split(self) -> tuple["Instruments", "Instruments"]:
        """The instruments of reception, and those of screenings, which no code of reception may see."""
        screenings = tuple(one for one in self.versions if one.use is Use.SCREENING)
        others = tuple(one for one in self.versions if one.use is not Use.SCREENING)
        return Instruments(versions=others), Instruments(versions=screenings)
