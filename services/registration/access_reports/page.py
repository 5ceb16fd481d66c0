"""The report as a page to print (pure). Every value is escaped, and the page loads and runs nothing."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from typing import Final

from libs.taxonomy.model import Taxonomy
from services.registration.access_reports.schemas import (
    AccessReport,
    EmergencyTold,
    ExtensionTold,
    IdentityCheckTold,
    LegalRequestTold,
    RecipientOfData,
    RecordOfPerson,
)
from services.registration.access_reports.words import heading, plain
from services.registration.audit.schemas import AccessView
from services.registration.consent.schemas import ConsentView
from services.registration.withholding.schemas import ExcludedPersonView, ReasonView

PAGE_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""The Content Security Policy of the page."""
_STYLE: Final = """
body { font: 12pt sans-serif; margin: 12mm; max-width: 180mm; }
h1 { font-size: 18pt; } h2 { font-size: 14pt; margin-top: 8mm; }
table { border-collapse: collapse; width: 100%; }
td, th { border: 1px solid #666; padding: 1mm 2mm; text-align: left; }
th { font-weight: normal; background: #eee; }
dt { font-weight: bold; } dd { margin: 0 0 2mm; } li { margin-bottom: 1mm; }
"""


def page_html(report: AccessReport, *, language: str, taxonomy: Taxonomy) -> str:
    """The whole page."""
    parts = [
        f"<h1>{_h('title', language)}</h1><p>{_h('made', language)} {_day(report.made_at)}. "
        f"{_h('proof', language)}: {_p(report.proof, language)}.</p>",
        "" if report.complete else f"<p><strong>{_h('incomplete', language)}</strong></p>",
        *(_record(one, language, taxonomy) for one in report.records),
        _list("recipients", (_recipient(one, language, taxonomy) for one in report.recipients), language),
        _list("requests", (_request(one, language) for one in report.legal_requests), language),
        _list("emergencies", (_emergency(one, language) for one in report.emergencies), language),
        _list("identity_checks", (_check(one, language) for one in report.identity_checks), language),
        _list("extensions", (_extension(one, language) for one in report.extensions), language),
        _accesses(report.accesses, language),
        f"<p>{_h('more', language)}</p>" if report.accesses_left_out else "",
    ]
    return (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8"><title>{_h("title", language)}</title>'
        f"<style>{_STYLE}</style>{''.join(parts)}</html>"
    )


def _record(record: RecordOfPerson, language: str, taxonomy: Taxonomy) -> str:
    person, contact = record.person, record.safe_contact
    facts: list[tuple[str, object]] = [
        ("case_code", person.case_code),
        ("given_names", person.identity.given_names),
        ("family_names", person.identity.family_names),
        ("birth_date", person.identity.birth_date),
        ("document_number", person.identity.document_number),
        ("arrived_at", person.arrived_at),
        ("reception_place", person.reception_place),
        ("profile", _codes(_profile(record), language)),
        ("contact", None if contact is None else f"{plain(contact.channel, language)} {contact.address or ''}"),
    ]
    known = "".join(
        f"<dt>{_h(name, language)}</dt><dd>{escape(_text(value))}</dd>"
        for name, value in facts
        if value not in (None, "")
    )
    needs = (
        f"{_kind(one.kind or one.category, language, taxonomy)} "
        f"({_p(one.urgency, language)}, {_p(one.status, language)}, {_day(one.reported_at)})"
        for one in record.needs
    )
    given = (
        f"{escape(one.data_described)} → {_p(one.purpose, language)}, {_receiver(one, language)} "
        f"({_day(one.given_at)} – {_day(one.expires_at)}, {_h('standing' if one.standing else 'ended', language)})"
        for one in record.consents
    )
    answers = (
        f"{escape(part.questions.get(one.question, one.question))} "
        + (_h("withheld", language) if one.withheld else f"<em>{escape(_text(one.value))}</em>")
        for part in record.answers
        for one in part.answers
    )
    return (
        f"<h2>{_h('known', language)}</h2><dl>{known}</dl>{_list('needs', needs, language)}"
        f"{_list('answers', answers, language)}{_list('consents', given, language)}"
        f"{_list('excluded_people', (_excluded(one, language) for one in record.excluded_people), language)}"
        f"{_list('withholding_reasons', (_reason(one, language) for one in record.withholding_reasons), language)}"
    )


def _excluded(one: ExcludedPersonView, language: str) -> str:
    name = _h("registered_person", language) if one.name is None else escape(" ".join(one.name.pair))
    relation = "" if one.relation is None else f" ({_p(f'excluded_{one.relation}', language)})"
    return name + relation + _why(one.reason, one.reason_words, language)


def _reason(one: ReasonView, language: str) -> str:
    return f"{_p(one.value, language)}{_why(one.reason, one.reason_words, language)}"


def _why(reason: str | None, words: str | None, language: str) -> str:
    told = "" if words is None else f" – <em>{escape(words)}</em>"
    return "" if reason is None else f": {_p(f'withheld_{reason}', language)}{told}"


def _receiver(one: ConsentView, language: str) -> str:
    return escape(one.recipient_name or "") if one.recipient_class is None else _p(one.recipient_class, language)


def _profile(record: RecordOfPerson) -> Iterable[str]:
    """The codes of the profile, in its order."""
    for value in record.person.profile.model_dump(mode="json").values():
        for code in value if isinstance(value, list) else [value]:
            if code is not None:
                yield str(code)


def _recipient(one: RecipientOfData, language: str, taxonomy: Taxonomy) -> str:
    read = _h("never_read", language) if one.fetched_at is None else _day(one.fetched_at)
    text = f"{_h('organization', language)} {one.organization_id}: {_kind(one.category, language, taxonomy)}, {read}"
    if one.deletion_requested_at is not None:
        answer = "" if one.deletion_answer is None else f": {_p(one.deletion_answer, language)}"
        text += f". {_h('deletion', language)} {_day(one.deletion_requested_at)}{answer}"
    return text


def _request(one: LegalRequestTold, language: str) -> str:
    asked = escape(_codes(one.asked, language))
    given = f" ({escape(_codes(one.given, language))})" if one.given else ""
    return (
        f"{_day(one.received_at)}: {_p(one.authority, language)} – {asked}. "
        f"{_h('answered', language)}: {_p(one.answer, language)}{given}, {_day(one.answered_at)}"
    )


def _emergency(one: EmergencyTold, language: str) -> str:
    decided = "" if one.decision is None else f", {_p(f'emergency_{one.decision}', language)}"
    found = "" if one.verdict is None else f". {_h('reviewed', language)}: {_p(one.verdict, language)}"
    return f"{_day(one.asked_at)}: {_p(one.reason, language)}{decided}{found}"


def _check(one: IdentityCheckTold, language: str) -> str:
    return f"{_moment(one.made_at)}: {_p('proven' if one.proven else 'not_proven', language)}"


def _extension(one: ExtensionTold, language: str) -> str:
    return f"{_day(one.decided_at)} – {_day(one.until)}: {_p(one.reason, language)}"


def _accesses(entries: Sequence[AccessView], language: str) -> str:
    head = "".join(f"<th>{_h(name, language)}</th>" for name in ("when", "who", "did", "why", "fields"))
    rows = "".join(
        f"<tr><td>{_moment(one.at)}</td><td>{escape(_who(one, language))}</td><td>{_p(one.kind, language)}</td>"
        f"<td>{_p(one.purpose, language)}</td><td>{escape(_codes(one.fields, language))}</td></tr>"
        for one in entries
    )
    return f"<h2>{_h('accesses', language)}</h2><table><tr>{head}</tr>{rows}</table>"


def _who(one: AccessView, language: str) -> str:
    """The reader, with the roles and desks in which they looked."""
    codes = _codes([code.partition(":")[2] for code in one.acting_as], language)
    return f"{one.who} ({codes})" if codes else one.who


def _list(name: str, items: Iterable[str], language: str) -> str:
    """A section with a list. The items are HTML already."""
    points = "".join(f"<li>{item}</li>" for item in items) or f"<li>{_h('nothing', language)}</li>"
    return f"<h2>{_h(name, language)}</h2><ul>{points}</ul>"


def _kind(code: str, language: str, taxonomy: Taxonomy) -> str:
    known = taxonomy.kinds.get(code) or taxonomy.categories.get(code)
    return _p(code, language) if known is None else escape(known.label.get(language) or plain(code, language))


def _codes(codes: Iterable[str], language: str) -> str:
    return ", ".join(plain(code, language) for code in codes)


def _h(name: str, language: str) -> str:
    return escape(heading(name, language))


def _p(code: str, language: str) -> str:
    return escape(plain(code, language))


def _day(at: datetime) -> str:
    return at.date().isoformat()


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M")


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return _day(value)
    return ", ".join(map(str, value)) if isinstance(value, list | tuple | set) else str(value)
