"""Which kinds of data registration has, and when each ends (pure; domain P20)."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final


class Gone(StrEnum):
    """What is deleted at its end, as it is counted."""

    PEOPLE = "people"
    """Identity data of people who were erased; one for each record of a person."""
    MANIFESTS = "manifests"
    """Names of people who were announced and not met; one for each flight or bus."""
    ARRIVAL_KEYS = "arrival_keys"
    """Keyed hashes that recognise a repeated arrival of an erased person."""
    DEVICE_RESULTS = "device_results"
    """Results of operations that devices made without a line."""
    SETTLED_CONFLICTS = "settled_conflicts"
    """Values that lost against a later change, after a person or a rule has decided."""
    SILENT_DEVICES = "silent_devices"
    """Devices that were not seen any more."""
    EXPORT_REASONS = "export_reasons"
    """Written reasons of identified exports that have ended."""


@dataclass(frozen=True, slots=True)
class Clock:
    """When one kind of data ends. Without `days` it does not end by time, and `ends` says why."""

    data: str
    ends: str
    days: int | None = None
    counted_as: Gone | None = None
    tables: tuple[str, ...] = ()
    """The tables with data of this kind. Event tables and those of the chassis belong to every service."""
    setting: str | None = None
    """The value of `reception.yaml` that gives the days. None: they are in the code, because services share them."""


_WITH_PERSON: Final = "with the erasure of the person"
_CODES_STAY: Final = f"words and names {_WITH_PERSON}; codes and times stay, because they prove what was done"
_AS_RECORD: Final = "none: it proves what was done, and contains ids, codes and times; the law of the country decides"
_OF_NOBODY: Final = "none: nothing in it belongs to one person"
WITHOUT_TIME: Final = (
    Clock(
        "consents, answers, needs, households, clocks of identity data",
        _WITH_PERSON,
        counted_as=Gone.PEOPLE,
        tables=(
            "consent", "consent_state", "consent_withdrawal", "answer", "answer_set", "need", "need_origin",
            "need_repeat", "household_claim", "identity_clock", "retention_extension",
        ),
    ),
    Clock(
        "restricted needs and screenings",
        f"the whole rows {_WITH_PERSON}",
        counted_as=Gone.PEOPLE,
        tables=("restricted_need", "restricted_repeat", "restricted_screening"),
    ),
    Clock(
        "keyed hashes for search and matching",
        _WITH_PERSON,
        counted_as=Gone.PEOPLE,
        tables=("match_key", "match", "match_decision", "comparison_due"),
    ),
    Clock(
        "doubtful parts of arrivals, conflicts that wait",
        f"{_WITH_PERSON}; nothing is lost before a decision",
        tables=("doubtful_part", "sync_conflict"),
    ),
    Clock(
        "excluded people, reasons for withholding",
        f"the end of the exclusion, or the whole rows {_WITH_PERSON}",
        counted_as=Gone.PEOPLE,
        tables=("excluded_person", "withholding_reason"),
    ),
    Clock("legal requests", _CODES_STAY, tables=("legal_request",)),
    Clock(
        "identity checks",
        "questions with the judgement, the next check or the erasure; times stay, because they prove what was done",
        tables=("identity_check",),
    ),
    Clock(
        "exports: who asked for which file, decisions, downloads",
        _AS_RECORD,
        tables=("people_export", "export_download"),
    ),
    Clock("access in an emergency, releases of children", _CODES_STAY, tables=("emergency", "child_release")),
    Clock(
        "packets: who may read which, and who must delete",
        "none: ids and codes; an erasure asks every organisation to delete, and its answer must stay",
        tables=("packet_access", "packet_share", "deletion_request", "deletion_answer"),
    ),
    Clock("stages at the gate", f"exact times {_WITH_PERSON}; the month stays for statistics", tables=("check_in",)),
    Clock("record of access", _AS_RECORD, tables=("audit_entry", "audit_seal")),
    Clock(
        "incidents, erasures, spent case codes",
        _AS_RECORD,
        tables=("incident", "incident_duty", "erasure", "spent_case_code"),
    ),
    Clock(
        "profile facts without a name",
        "none: statistics need them; nothing in them identifies a person",
        tables=("returnee",),
    ),
    Clock(
        "flights and buses, wristbands, numbers of questions and of what has gone",
        _OF_NOBODY,
        tables=("arrival_batch", "household", "wristband", "asked_again", "retention_day"),
    ),
    Clock(
        "standing of organisations, certificates of staff",
        "none: only the last state is kept, and the directory decides it",
        tables=("provider_standing", "certificate"),
    ),
)  # fmt: skip


def clocks(
    *,
    identity_days: int,
    manifest_days: int,
    arrival_key_days: int,
    device_days: int,
    export_days: int,
    safe_contact_days: int,
    event_days: int,
) -> list[Clock]:
    """All kinds of data with their ends, those with a time first."""
    return [
        Clock(
            "identity data and safe contact",
            "days after the last thing that happened to the person; then a person decides",
            identity_days,
            Gone.PEOPLE,
            ("returnee", "safe_contact", "field_change", "arrival_told"),
            "retention.identity_days",
        ),
        _of_contacts(safe_contact_days),
        _of_manifests(manifest_days),
        Clock(
            "keys of erased arrivals",
            "days after the erasure",
            arrival_key_days,
            Gone.ARRIVAL_KEYS,
            ("erasure",),
            "retention.arrival_key_days",
        ),
        _of_devices("results of devices", "operation", Gone.DEVICE_RESULTS, "sync_operation", device_days),
        _of_devices("conflicts that are settled", "decision", Gone.SETTLED_CONFLICTS, "sync_conflict", device_days),
        _of_devices("devices", "last call", Gone.SILENT_DEVICES, "sync_device", device_days),
        _of_exports(export_days),
        Clock("events in archives and inboxes, parked events", "days; whole days are dropped, uncounted", event_days),
        Clock("values of `Idempotency-Key`", "days after the request, uncounted", 1),
        *WITHOUT_TIME,
    ]


def _of_manifests(days: int) -> Clock:
    tables = ("manifest_entry",)
    return Clock("names in manifests", "days after landing", days, Gone.MANIFESTS, tables, "manifest_days")


def _of_contacts(days: int) -> Clock:
    ends = "days after it was confirmed, if the person told no end; then nobody gets it, uncounted"
    return Clock("use of a safe contact", ends, days, setting="retention.safe_contact_days")


def _of_exports(days: int) -> Clock:
    ends = "days after the approval; at once after a rejection, and if nobody decides"
    data = "reasons of identified exports; no file is stored"
    return Clock(data, ends, days, Gone.EXPORT_REASONS, ("people_export",), "retention.export_days")


def _of_devices(data: str, since: str, counted_as: Gone, table: str, days: int) -> Clock:
    return Clock(data, f"days after the {since}", days, counted_as, (table,), "retention.device_days")


def is_span(since: date, until: date) -> bool:
    """Whether the first day is not after the last one."""
    return since <= until
