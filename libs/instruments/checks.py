"""What is wrong with one instrument; each fault has the keys of its place in the file (pure)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from libs.instruments.asking import possible_codes
from libs.instruments.conditions import Condition
from libs.instruments.decisions import decision_fault
from libs.instruments.model import (
    CHOSEN,
    COMPARABLE,
    SCREENING_ANSWERS_BYTES_MAX,
    TRIAGE_QUESTIONS_MAX,
    UNOFFICIAL,
    Instrument,
    Question,
    QuestionType,
    Texts,
    TranslationStatus,
    Use,
)
from libs.instruments.reach import TooManyAnswersError, can_be_asked, can_hold
from libs.instruments.words import FORBIDDEN, forbidden_in, forbidden_in_code
from libs.taxonomy.model import Taxonomy

Found = tuple[Sequence[str | int], str]
_NAMES_OF_THE_OFFICIAL = ("rss", "reintegration sustainability")


@dataclass(frozen=True, slots=True)
class Known:
    """What else the pack says."""

    taxonomy: Taxonomy
    private: frozenset[str]
    """Categories that are restricted and that a desk reviews before anything else happens."""
    restricted: frozenset[str]
    recipients: frozenset[str]
    """Categories and types of service to which an answer may be shown."""
    certificates: frozenset[str] = frozenset()
    """The kinds of certificates."""


def faults_of(instrument: Instrument, known: Known) -> Iterator[Found]:
    """All faults. The later checks need ids and references in order, so they come only if these are."""
    yield from _texts(instrument)
    yield from _forbidden(instrument)
    yield from _label(instrument)
    yield from _triage(instrument)
    yield from _screening(instrument, known)
    first = [*_ids(instrument), *_references(instrument), *_circles(instrument)]
    yield from first
    for number, question in enumerate(instrument.questions):
        for why in (*_form(question), *_serving(instrument, question), *_showing(question, known)):
            yield ("questions", number), f"{question.id}: {why}"
    yield from _rules(instrument, known)
    if not first:
        yield from _unreachable(instrument)


def _ids(instrument: Instrument) -> Iterator[Found]:
    seen: set[str] = set()
    for number, question in enumerate(instrument.questions):
        if question.id in seen:
            yield ("questions", number, "id"), f"{question.id} is the id of two questions"
        seen.add(question.id)


def _conditions(instrument: Instrument) -> Iterator[tuple[Sequence[str | int], Condition]]:
    for number, question in enumerate(instrument.questions):
        if question.ask_if is not None:
            yield ("questions", number, "ask_if"), question.ask_if
    for part, rules in (("needs", instrument.needs), ("reviews", instrument.reviews)):
        for name, rule in rules.items():
            yield (part, name, "when"), rule.when


def _references(instrument: Instrument) -> Iterator[Found]:
    for keys, condition in _conditions(instrument):
        for one in condition.comparisons():
            question = instrument.by_id.get(one.question or "")
            if question is None:
                yield keys, f"there is no question {one.question}"
            elif question.type not in COMPARABLE:
                yield keys, f"{question.id} is a {question.type.value}, which no condition can read"
            else:
                yield from ((keys, why) for why in _unknown_values(one, question))


def _unknown_values(comparison: Condition, question: Question) -> Iterator[str]:
    if question.type is QuestionType.SEVERAL_OF and comparison.equals is not None:
        yield f"{question.id} has several answers; use in"
    for value in comparison.compared:
        known = possible_codes(question)
        if question.type is not QuestionType.NUMBER and value not in known:
            yield f"{question.id} has no answer {value}; it has {', '.join(sorted(known))}"


def _circles(instrument: Instrument) -> Iterator[Found]:
    reads = {one.id: one.ask_if.questions() if one.ask_if else frozenset() for one in instrument.questions}
    try:
        TopologicalSorter(reads).prepare()
    except CycleError as error:
        circle = list(error.args[1])
        number = next(n for n, one in enumerate(instrument.questions) if one.id == circle[0])
        yield ("questions", number, "ask_if"), f"a circle: {' needs '.join(reversed(circle))}"
        return
    seen: set[str] = set()
    for number, question in enumerate(instrument.questions):
        for later in sorted((reads[question.id] & reads.keys()) - seen):
            yield ("questions", number, "ask_if"), f"{later} comes after {question.id}; it must come before"
        seen.add(question.id)


def _form(question: Question) -> Iterator[str]:
    chosen = question.type in CHOSEN
    if chosen and len(question.options) < 2:
        yield f"a {question.type.value} needs at least two options"
    if question.options and not chosen:
        yield f"a {question.type.value} has no options"
    of_type = {"at_least": QuestionType.NUMBER, "at_most": QuestionType.NUMBER, "future": QuestionType.DATE}
    for name, type_ in {**of_type, "longest": QuestionType.TEXT}.items():
        if name in question.model_fields_set and question.type is not type_:
            yield f"only a {type_.value} has {name}"
    if question.at_least > question.at_most:
        yield "at_least must not be above at_most"


def _serving(instrument: Instrument, question: Question) -> Iterator[str]:
    if not question.serves:
        yield "serves no decision; a question without one must not be asked"
    for decision in question.serves:
        why = decision_fault(instrument, question, decision)
        if why is not None:
            yield f"serves {decision}: {why}"
    reviewed = [one.startswith("review:") for one in question.serves]
    if question.restricted and not all(reviewed):
        yield "a restricted question serves reviews only"
    if any(reviewed) and not question.restricted:
        yield "serves a review, so it must be restricted"
    if (
        instrument.use is not Use.SCREENING
        and question.ask_if is not None
        and any(
            (read := instrument.by_id.get(one)) is not None and (read.restricted or read.sealed)
            for one in question.ask_if.questions()
        )
    ):
        yield "its ask_if reads a sealed or restricted question, so whether it is asked would tell the answer"


def _showing(question: Question, known: Known) -> Iterator[str]:
    if question.shown_to and (question.sealed or question.restricted):
        yield "a sealed or restricted question is shown to nobody"
    for code in question.shown_to:
        if code not in known.recipients:
            yield f"shown_to: {code} is neither a category of taxonomy.yaml nor a type of service of packets.yaml"
        elif code in known.restricted:
            yield f"shown_to: {code} is a restricted category"


def _rules(instrument: Instrument, known: Known) -> Iterator[Found]:
    taxonomy = known.taxonomy
    for name, rule in instrument.needs.items():
        keys = ("needs", name)
        if (rule.kind is None) == (rule.category is None):
            yield keys, "has either a kind or a category"
            continue
        kind = None if rule.kind is None else taxonomy.kinds.get(rule.kind)
        if rule.kind is not None and (kind is None or kind.deprecated_by is not None):
            yield keys, f"{rule.kind} is not a kind of taxonomy.yaml that new needs may name"
        category = rule.category if kind is None else kind.category
        if rule.category is not None and rule.category not in taxonomy.categories:
            yield keys, f"{rule.category} is not a category of taxonomy.yaml"
        if category in known.restricted:
            yield keys, f"{category} is restricted; such a need follows only from a review"
        if any(one in instrument.by_id and instrument.by_id[one].restricted for one in rule.when.questions()):
            yield keys, "reads a restricted question, so the need would tell the answer"
    for name, review in instrument.reviews.items():
        if review.category not in known.private:
            why = "must be a category of routing.yaml with `restricted` and `review`"
            yield ("reviews", name), f"{review.category} {why}"


def _unreachable(instrument: Instrument) -> Iterator[Found]:
    too_many = "depends on too many answers to be checked; make it simpler"
    for number, question in enumerate(instrument.questions):
        try:
            if not can_be_asked(instrument, question):
                yield ("questions", number, "ask_if"), f"{question.id} can never be asked"
        except TooManyAnswersError:
            yield ("questions", number, "ask_if"), f"{question.id} {too_many}"
    for part, rules in (("needs", instrument.needs), ("reviews", instrument.reviews)):
        for name, rule in rules.items():
            try:
                if not can_hold(instrument, rule):
                    yield (part, name, "when"), "can never hold"
            except TooManyAnswersError:
                yield (part, name, "when"), too_many


def _all_texts(instrument: Instrument) -> Iterator[tuple[Sequence[str | int], Texts]]:
    yield ("title",), instrument.title
    for number, question in enumerate(instrument.questions):
        yield ("questions", number, "text"), question.text
        for code, texts in question.options.items():
            yield ("questions", number, "options", code), texts


def _texts(instrument: Instrument) -> Iterator[Found]:
    if not instrument.approved:
        yield ("languages",), "no language is approved, so the instrument can be shown to nobody"
    for language, how in instrument.languages.items():
        if how.status is not TranslationStatus.DRAFT and (how.by is None or how.day is None):
            yield ("languages", language), f"is {how.status.value}, but does not say by whom and on which day"
    for keys, texts in _all_texts(instrument):
        for language in sorted(texts.keys() - instrument.languages.keys()):
            yield keys, f"the file's languages do not have {language}"
        for language in instrument.approved:
            if language not in texts:
                yield keys, f"lacks the approved language {language}"


def _forbidden(instrument: Instrument) -> Iterator[Found]:
    for language in instrument.languages.keys() - FORBIDDEN.keys():
        yield (
            ("languages", language),
            "there is no list of forbidden words for this language (libs/instruments/words.py)",
        )
    for keys, texts in _all_texts(instrument):
        for language, text in texts.items():
            word = forbidden_in(text, language) if language in FORBIDDEN else None
            if word is not None:
                yield keys, f"asks about trafficking ({language}: {word}); only soft indicators are allowed"
    codes = [((), instrument.instrument), *((("questions", n), one.id) for n, one in enumerate(instrument.questions))]
    codes += [(("questions", n), code) for n, one in enumerate(instrument.questions) for code in one.options]
    for at, code in codes:
        if (word := forbidden_in_code(code)) is not None:
            yield at, f"{code} names trafficking ({word}); only soft indicators are allowed"


def _label(instrument: Instrument) -> Iterator[Found]:
    official = instrument.official_of is not None
    if instrument.use is Use.REINTEGRATION and not official and instrument.label != UNOFFICIAL:
        yield ("label",), f"must be {UNOFFICIAL}, because the instrument is not the official one"
    if official:
        return
    named = [instrument.instrument.replace("_", " "), instrument.label or "", *instrument.title.values()]
    words = [word for one in named for word in _NAMES_OF_THE_OFFICIAL if word in one.casefold().replace("-", " ")]
    if words:
        yield ("title",), f"has the name of the official survey ({words[0]}), which it is not"


def _triage(instrument: Instrument) -> Iterator[Found]:
    count = len(instrument.questions)
    if instrument.use is Use.TRIAGE and count > TRIAGE_QUESTIONS_MAX:
        yield ("questions",), f"a triage has at most {TRIAGE_QUESTIONS_MAX} questions, and this one has {count}"


def _screening(instrument: Instrument, known: Known) -> Iterator[Found]:
    """A screening requires a certificate, and all of it is sealed: nothing else may follow from an answer."""
    if (instrument.use is Use.SCREENING) != (instrument.certificate is not None):
        yield ("certificate",), "a screening, and nothing else, names the kind of certificate that it requires"
    if instrument.use is not Use.SCREENING:
        return
    if instrument.certificate is not None and instrument.certificate not in known.certificates:
        yield ("certificate",), f"{instrument.certificate} is not a kind of certificates.yaml"
    if instrument.needs:
        yield ("needs",), "a screening leads to reviews only"
    for number, question in enumerate(instrument.questions):
        if not question.restricted:
            yield ("questions", number), f"{question.id}: every question of a screening is restricted"
        if question.type is not QuestionType.YES_NO and question.type not in CHOSEN:
            yield ("questions", number), f"{question.id}: a screening has codes only, no words, numbers or days"
    longest = sum(_longest_answer(one) for one in instrument.questions)
    if longest > SCREENING_ANSWERS_BYTES_MAX:
        why = f"all answers together may take {longest} bytes, more than {SCREENING_ANSWERS_BYTES_MAX}"
        yield ("questions",), why


def _longest_answer(question: Question) -> int:
    """The most bytes that the answer to a question takes in JSON."""
    return len(question.id) + sum(len(code) + 3 for code in sorted(possible_codes(question))) + 8
