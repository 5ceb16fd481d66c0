"""What an erasure does to every column with data about the person (pure).

To destroy the key is not enough, because a backup of the keys could still decrypt the remaining data. So the encrypted
bytes are deleted too. Values that could be compared with a guess are deleted, and facts that distinguish one person
from others are made coarser. Statistics keep the month, the department, the age band and the sex.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

KEEP_ARRIVAL_KEY_DAYS: Final = 30
"""The number of days in which a repeated arrival is recognised by its key, if the pack names no other: longer than
Kafka, the inbox and parked events keep it."""


class Change(Enum):
    """What is done to a column, as SQL; `{column}` is replaced by its name."""

    WIPED = "NULL"
    EMPTIED = "'{}'"
    BLANK = "''"
    MONTH = "date_trunc('month', {column} AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'"
    MONTH_AFTER = "date_trunc('month', {column} AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC'"
    DEPARTMENT = "left({column}, 4)"
    WIPED_ONCE_ANSWERED = "CASE WHEN answer IS NULL THEN {column} END"


OF_RETURNEE = "returnee_id = $1"
_OF_PAIR = "first_id = $1 OR second_id = $1"
_OF_DECIDED_PAIR = "match_id IN (SELECT id FROM match WHERE first_id = $1 OR second_id = $1)"
_COLUMN = "{column}"


@dataclass(frozen=True, slots=True)
class Reach:
    """What is done to the rows of one table."""

    changed: Mapping[str, Change] = field(default_factory=dict)
    stays: frozenset[str] = frozenset()
    """Columns that say nothing about the person, or that statistics need."""
    whose: str = OF_RETURNEE
    """The condition, in SQL, that selects the rows of the person by the returnee's id."""
    deleted: bool = False
    """True: the rows are deleted."""

    def statement(self, table: str) -> str | None:
        """The SQL statement, or None if nothing changes."""
        if self.deleted:
            return f"DELETE FROM {table} WHERE {self.whose}"  # noqa: S608 (declared here)
        if not self.changed:
            return None
        values = ", ".join(f"{column} = {how.value.replace(_COLUMN, column)}" for column, how in self.changed.items())
        return f"UPDATE {table} SET {values} WHERE {self.whose}"  # noqa: S608 (declared here)


REACH: Final[Mapping[str, Reach]] = {
    # First what a comparison locks first, so that it and an erasure do not wait for each other.
    "comparison_due": Reach(deleted=True),
    "match_key": Reach(deleted=True),
    "match_decision": Reach(deleted=True, whose=_OF_DECIDED_PAIR),
    "match": Reach(deleted=True, whose=_OF_PAIR),
    "identity_clock": Reach(deleted=True),
    "retention_extension": Reach(deleted=True),
    "consent_withdrawal": Reach(
        changed={"withdrawn_at": Change.MONTH, "recorded_by": Change.BLANK},
        stays=frozenset({"consent_id"}),
        whose="consent_id IN (SELECT id FROM consent WHERE returnee_id = $1)",
    ),
    "consent": Reach(
        changed={
            "data_described_sealed": Change.WIPED,
            "discloser": Change.BLANK,
            "language": Change.BLANK,
            "staff_reference": Change.BLANK,
            "staff_reference_sealed": Change.WIPED,
            "witness_reference_sealed": Change.WIPED,
            "recipient_organization_id": Change.WIPED,
            "recipient_name_sealed": Change.WIPED,
            "given_at": Change.MONTH,
            "expires_at": Change.MONTH_AFTER,
            "recorded_at": Change.MONTH,
        },
        stays=frozenset(
            {"id", "returnee_id", "purpose", "recipient_class", "given_by", "method", "revocation_explained"}
        ),
    ),
    "consent_state": Reach(stays=frozenset({"returnee_id", "version"})),
    "safe_contact": Reach(deleted=True),
    # `excluded_people.actions.forget_links` has removed the links of others who told a name.
    "excluded_person": Reach(deleted=True, whose="(returnee_id = $1 OR other_returnee_id = $1)"),
    "withholding_reason": Reach(deleted=True),
    "arrival_told": Reach(deleted=True),
    "household_claim": Reach(deleted=True),
    "answer": Reach(deleted=True),
    "answer_set": Reach(deleted=True),
    "need_origin": Reach(deleted=True, whose="need_id IN (SELECT id FROM need WHERE returnee_id = $1)"),
    "doubtful_part": Reach(
        changed={"value_sealed": Change.WIPED, "set_aside_at": Change.MONTH},
        stays=frozenset(
            {"id", "returnee_id", "pointer", "rule", "is_urgent", "closing", "closing_reason", "closed_at", "closed_by"}
        ),
    ),
    # The key of the entry is destroyed when the manifest is deleted because of its age. Until then it prevents a
    # repeated manifest from naming the person again.
    "manifest_entry": Reach(
        changed={
            "sender_reference_sealed": Change.WIPED,
            "given_names_sealed": Change.WIPED,
            "family_names_sealed": Change.WIPED,
            "birth_date_sealed": Change.WIPED,
            "nationality": Change.WIPED,
        },
        stays=frozenset({"id", "arrival_batch_id", "entry_key", "status", "absent_because", "returnee_id", "sex"}),
    ),
    # The band may still be on the person's arm, so nothing shows any more which band they had.
    "check_in": Reach(
        changed={
            "arrival_batch_id": Change.WIPED,
            "wristband_id": Change.WIPED,
            "welcomed_at": Change.MONTH,
            "informed_at": Change.MONTH,
            "registered_at": Change.MONTH,
            "exited_at": Change.MONTH,
        },
        stays=frozenset({"id", "returnee_id", "exited_to"}),
    ),
    "need_repeat": Reach(
        changed={"need_key": Change.WIPED, "reported_at": Change.MONTH},
        stays=frozenset({"id", "need_id", "urgency", "people_count"}),
        whose="need_id IN (SELECT id FROM need WHERE returnee_id = $1)",
    ),
    "need": Reach(
        changed={
            "need_key": Change.WIPED,
            "arrival_batch_id": Change.WIPED,
            "detail_values": Change.EMPTIED,
            "reported_at": Change.MONTH,
            "withdrawn_at": Change.MONTH,
            "ended_at": Change.MONTH,
            "heard_as_of": Change.MONTH,
            "traceparent": Change.WIPED,
        },
        stays=frozenset(
            {
                "id", "returnee_id", "household_id", "category", "kind", "urgency", "people_count", "after_need_id",
                "status", "second_reason",
            }
        ),
    ),
    "packet_access": Reach(
        changed={"traceparent": Change.WIPED},
        stays=frozenset(
            {
                "offer_id", "referral_id", "returnee_id", "organization_id", "provider_service_id", "category",
                "service_type", "kind", "people_count", "accepted_at", "closing", "closes_at", "judged_profiles",
                "judged_household_version", "halted_at",
            }
        ),
    ),
    "packet_share": Reach(
        stays=frozenset(
            {
                "offer_id", "returnee_id", "referral_id", "organization_id", "provider_service_id", "category",
                "fetched_at", "lapses_at", "ended_at",
            }
        )
    ),
    # An organisation that must delete the data it fetched needs to know whose data they are.
    "deletion_request": Reach(
        changed={"case_code": Change.WIPED_ONCE_ANSWERED},
        stays=frozenset(
            {
                "offer_id", "returnee_id", "referral_id", "organization_id", "category", "reason", "requested_at",
                "answer_by", "answer", "ground", "answered_at",
            }
        ),
    ),
    "deletion_answer": Reach(
        stays=frozenset({"id", "offer_id", "returnee_id", "answer", "ground", "answered_at", "answered_by"})
    ),
    # What was asked, and what was answered, stays as codes: it proves what was done.
    "legal_request": Reach(
        changed={"reference_sealed": Change.WIPED, "words_sealed": Change.WIPED},
        stays=frozenset(
            {
                "id", "returnee_id", "status", "version", "authority", "asked", "received_at", "recorded_at",
                "recorded_by", "answer", "ground", "given", "answered_at", "answered_by", "notice", "notice_reason",
                "notice_due_at",
            }
        ),
    ),
    # That the child was handed over, and who decided it, stays as codes: it proves what was done.
    "child_release": Reach(
        changed={
            "relative_sealed": Change.WIPED,
            "relative_key": Change.WIPED,
            "heard_by_sealed": Change.WIPED,
            "heard_words_sealed": Change.WIPED,
            "heard_language": Change.WIPED,
            "sign_off_reference_sealed": Change.WIPED,
            "released_to_place": Change.DEPARTMENT,
        },
        stays=frozenset(
            {
                "id", "returnee_id", "status", "version", "relation", "named_at", "named_by", "wish",
                "not_heard_because", "heard_at", "view_at", "view_by", "verified", "verified_at", "verified_by",
                "authority", "signed_at", "signed_by", "withdrawn_at", "withdrawn_because", "released_at",
                "released_by", "relative_shown_by", "cancelled_at", "cancelled_because", "cancelled_by",
            }
        ),
    ),
    "emergency": Reach(
        changed={"words_sealed": Change.WIPED},
        stays=frozenset(
            {
                "id", "returnee_id", "version", "reason", "organization_id", "asked_at", "asked_by", "asked_who",
                "decided_at", "decided_by", "decided_who", "decision", "ends_at", "reviewed_at", "reviewed_by",
                "verdict",
            }
        ),
    ),
    # How often somebody tried to pass as the person stays as times.
    "identity_check": Reach(
        changed={"questions_sealed": Change.WIPED, "right_keys": Change.WIPED},
        stays=frozenset(
            {"id", "returnee_id", "made_by", "made_on", "made_at", "answer_by", "judged_at", "proven_until"}
        ),
    ),
    "field_change": Reach(deleted=True),
    # A conflict about two people has no question left when one of them is erased.
    "sync_conflict": Reach(deleted=True, whose="(returnee_id = $1 OR other_returnee_id = $1)"),
    # The ids stay until the row ages out: a device that sends its operation again is told to delete its copy.
    "sync_operation": Reach(
        changed={"fingerprint": Change.WIPED, "superseded": Change.EMPTIED, "done_at": Change.MONTH},
        stays=frozenset(
            {
                "owner", "device_id", "operation_id", "sequence", "kind", "client_person_id", "returnee_id",
                "created_id", "outcome", "conflict_ids",
            }
        ),
    ),
    "returnee": Reach(
        changed={
            "case_code": Change.WIPED,
            "arrival_key": Change.WIPED,
            "manifest_key": Change.WIPED,
            "arrival_batch_id": Change.WIPED,
            "household_id": Change.WIPED,
            "arrived_at": Change.MONTH,
            "documents_held": Change.EMPTIED,
            "languages": Change.EMPTIED,
            "destination": Change.DEPARTMENT,
            "access_needs": Change.EMPTIED,
            "protection_flags": Change.EMPTIED,
            "age_decided_at": Change.WIPED,
            "avoid_places": Change.EMPTIED,
            "avoid_organizations": Change.EMPTIED,
            "avoid_countries": Change.EMPTIED,
            "given_names_sealed": Change.WIPED,
            "family_names_sealed": Change.WIPED,
            "birth_date_sealed": Change.WIPED,
            "document_number_sealed": Change.WIPED,
            "sender_reference_sealed": Change.WIPED,
            "search_index": Change.EMPTIED,
            "return_signs": Change.EMPTIED,
            "traceparent": Change.WIPED,
            "registered_at": Change.MONTH,
        },
        stays=frozenset(
            {
                "id", "version", "told_version", "source", "organization_id", "reception_place", "age_band",
                "age_group", "age_basis", "return_kind", "return_order", "return_mode", "sex", "nationality",
                "client_kind", "identity_document", "index_form", "erased_at", "merged_into",
            }
        ),
        whose="id = $1",
    ),
}  # fmt: skip
"""What is done to each table, in this order."""
NOT_OF_A_PERSON: Final = frozenset(
    {
        "arrival_batch", "asked_again", "certificate", "export_download", "household", "incident", "incident_duty",
        "people_export", "provider_standing", "retention_day", "sync_device", "wristband",
    }
)  # fmt: skip
"""Tables in which no row belongs to one person."""
RESTRICTED_STORE: Final = frozenset({"restricted_need", "restricted_repeat", "restricted_screening"})
"""Tables whose rows can be assigned to a person only with the key: `needs.restricted.forget` and
`screening.actions.forget_screening` delete the rows."""
APPEND_ONLY_RECORD: Final = frozenset({"audit_entry", "audit_seal", "erasure", "spent_case_code"})
"""Records of what was done, and to whom, by ids and codes; they never contain a value."""
