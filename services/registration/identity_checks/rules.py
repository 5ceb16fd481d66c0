"""Which questions prove who a person is, their wrong answers, and their words (pure).

A question must not hurt the person if the caller is an impostor: it asks nothing about needs, protection, consents,
contacts or the destination. The same person always gets the same questions with the same options, in another order.
Otherwise somebody could compare several checks, and the option that is always there would be the right one.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from libs.chassis.errors import FieldError
from libs.events.codes import IdentityDocumentStatus
from libs.events.people_codes import ReturnMode
from services.registration.people.rules import CHILD_FLAGS, PERHAPS_CHILDREN
from services.registration.protection import LEAST_OPTIONS

DAYS_AROUND: Final = 7
"""The wrong days of arrival are at most this far from the right one. An earlier question would have no later days, so
the latest day would be the best guess."""
HOUSEHOLDS: Final = range(2, 10)
"""The sizes of households that are asked for."""


class Kind(StrEnum):
    """What a question asks for."""

    BIRTH_MONTH = "birth_month"
    BIRTH_DAY = "birth_day"
    ARRIVAL_DAY = "arrival_day"
    ARRIVAL_TIME = "arrival_time"
    RETURN_MODE = "return_mode"
    HOUSEHOLD_SIZE = "household_size"
    DOCUMENT = "document"
    LANGUAGE = "language"


class TimeOfDay(StrEnum):
    """The parts of a day, each of six hours, from midnight on."""

    NIGHT = "night"
    MORNING = "morning"
    AFTERNOON = "afternoon"
    EVENING = "evening"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a person, as far as questions may ask for it."""

    birth_date: date | None
    arrived_at: datetime
    """In the time zone of the country."""
    return_mode: str | None
    household_size: int | None
    """None for a person who was registered alone."""
    identity_document: str
    languages: Collection[str]


@dataclass(frozen=True, slots=True)
class Candidates:
    """The right answer to a question, and all wrong ones that are plausible."""

    right: str
    wrong: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its options, in the order in which they are read out."""

    kind: Kind
    options: tuple[str, ...]


Rank = Callable[[str, str], bytes]
"""A keyed hash of a kind and of an option. It orders them so that nobody can foresee the order."""
_HOUR_OF_DOUBT: Final = timedelta(hours=1)


def needs_child_desk(age_group: str, flags: Iterable[str]) -> bool:
    """Whether only the desk that decides for children may check who somebody is: for a child, and in doubt."""
    return age_group in PERHAPS_CHILDREN or not CHILD_FLAGS.isdisjoint(flags)


def candidates(facts: Facts, *, today: date, languages: Collection[str]) -> dict[Kind, Candidates]:
    """The questions that can be asked about a person. `languages`: those of the pack. A question with too few options
    is left out."""
    found = {
        **_of_birth(facts.birth_date),
        **_of_arrival(facts.arrived_at, today=today),
        Kind.DOCUMENT: _among(facts.identity_document, IdentityDocumentStatus),
    }
    if facts.return_mode is not None:
        found[Kind.RETURN_MODE] = _among(facts.return_mode, ReturnMode)
    if facts.household_size in HOUSEHOLDS:
        found[Kind.HOUSEHOLD_SIZE] = _among(str(facts.household_size), map(str, HOUSEHOLDS))
    spoken = sorted(set(facts.languages) & set(languages))
    if spoken:
        found[Kind.LANGUAGE] = Candidates(spoken[0], tuple(sorted(set(languages) - set(spoken))))
    return {kind: one for kind, one in found.items() if len(one.wrong) + 1 >= LEAST_OPTIONS}


def _of_birth(birth_date: date | None) -> dict[Kind, Candidates]:
    if birth_date is None:
        return {}
    return {
        Kind.BIRTH_MONTH: _among(str(birth_date.month), map(str, range(1, 13))),
        Kind.BIRTH_DAY: _among(str(birth_date.day), map(str, range(1, 32))),
    }


def _of_arrival(arrived_at: datetime, *, today: date) -> dict[Kind, Candidates]:
    found = {}
    day, times = arrived_at.date(), list(TimeOfDay)
    if day + timedelta(days=DAYS_AROUND) <= today:
        # The days beside the right one are no wrong answers: people remember a day, and not always which.
        away = [n for n in range(-DAYS_AROUND, DAYS_AROUND + 1) if abs(n) > 1]
        wrong = tuple((day + timedelta(days=n)).isoformat() for n in away)
        found[Kind.ARRIVAL_DAY] = Candidates(day.isoformat(), wrong)
    nth = arrived_at.hour // 6
    if (arrived_at - _HOUR_OF_DOUBT).hour // 6 == nth == (arrived_at + _HOUR_OF_DOUBT).hour // 6:
        found[Kind.ARRIVAL_TIME] = _among(times[nth], times)
    return found


def _among(right: str, every: Iterable[str]) -> Candidates:
    return Candidates(str(right), tuple(str(one) for one in every if one != right))


def choose(
    known: Mapping[Kind, Candidates], *, questions: int, options: int, of_person: Rank, of_check: Rank
) -> list[Question]:
    """The questions of a check. `of_person` chooses them and their wrong answers, `of_check` orders the options."""
    kinds = sorted(known, key=lambda kind: of_person(kind, ""))[:questions]
    found = []
    for kind in kinds:
        wrong = sorted(known[kind].wrong, key=lambda one: of_person(kind, one))[: options - 1]
        ordered = sorted([known[kind].right, *wrong], key=lambda one: of_check(kind, one))
        found.append(Question(kind, tuple(ordered)))
    return found


def answer_faults(answers: Sequence[int], options: Sequence[int]) -> list[FieldError]:
    """The faults of the form of the answers. `options`: how many each question has. It never depends on what is
    right."""
    if len(answers) != len(options):
        return [FieldError("/answers", "one-per-question", "Give one answer to each question, in their order.")]
    return [
        FieldError(f"/answers/{place}", "an-option", "The question has no option with this number.")
        for place, (answer, count) in enumerate(zip(answers, options, strict=True))
        if answer > count
    ]


class CheckLanguage(StrEnum):
    """The languages in which questions are read out."""

    ES = "es"
    EN = "en"


_PLACES: Final = {CheckLanguage.ES: 0, CheckLanguage.EN: 1}
QUESTIONS: Final[dict[Kind, tuple[str, str]]] = {
    Kind.BIRTH_MONTH: ("¿En qué mes nació?", "In which month were you born?"),
    Kind.BIRTH_DAY: ("¿Qué día del mes nació?", "On which day of the month were you born?"),
    Kind.ARRIVAL_DAY: ("¿Qué día llegó?", "On which day did you arrive?"),
    Kind.ARRIVAL_TIME: ("¿A qué hora del día llegó?", "At which time of the day did you arrive?"),
    Kind.RETURN_MODE: ("¿Cómo regresó al país?", "How did you come back to the country?"),
    Kind.HOUSEHOLD_SIZE: (
        "¿Cuántas personas se registraron juntas, contándose usted?",
        "How many people were registered together, you included?",
    ),
    Kind.DOCUMENT: (
        "Cuando llegó, ¿qué dijo de su documento de identidad?",
        "When you arrived, what did you say about your identity document?",
    ),
    Kind.LANGUAGE: ("¿Cuál de estos idiomas habla?", "Which of these languages do you speak?"),
}
MONTHS: Final[tuple[tuple[str, str], ...]] = (
    ("enero", "January"), ("febrero", "February"), ("marzo", "March"), ("abril", "April"), ("mayo", "May"),
    ("junio", "June"), ("julio", "July"), ("agosto", "August"), ("septiembre", "September"), ("octubre", "October"),
    ("noviembre", "November"), ("diciembre", "December"),
)  # fmt: skip
OPTIONS: Final[dict[str, tuple[str, str]]] = {
    "night": ("de noche, después de medianoche", "at night, after midnight"),
    "morning": ("por la mañana", "in the morning"),
    "afternoon": ("por la tarde", "in the afternoon"),
    "evening": ("por la noche, antes de medianoche", "in the evening, before midnight"),
    "air": ("en avión", "by plane"),
    "land": ("en bus u otro vehículo", "by bus or another vehicle"),
    "sea": ("en barco o lancha", "by ship or boat"),
    "foot": ("a pie", "on foot"),
    "held": ("que lo tenía", "that you had it"),
    "left_abroad": ("que se quedó en otro país", "that it stayed in another country"),
    "lost_on_route": ("que lo perdió en el camino", "that you lost it on the way"),
    "never_applied": ("que nunca lo tramitó", "that you never applied for one"),
}


def question_text(kind: Kind, language: CheckLanguage) -> str:
    """The question in this language."""
    return QUESTIONS[kind][_PLACES[language]]


def option_text(kind: Kind, code: str, language: CheckLanguage, *, languages: dict[str, str]) -> str:
    """An option in this language. `languages`: the names of languages, from the pack."""
    place = _PLACES[language]
    match kind:
        case Kind.BIRTH_MONTH:
            return MONTHS[int(code) - 1][place]
        case Kind.ARRIVAL_DAY:
            day = date.fromisoformat(code)
            month = MONTHS[day.month - 1][place]
            return f"{day.day} de {month}" if language is CheckLanguage.ES else f"{day.day} {month}"
        case Kind.LANGUAGE:
            return languages.get(code, code)
        case _:
            return OPTIONS[code][place] if code in OPTIONS else code
