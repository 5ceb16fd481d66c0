"""Blocking keys: two records are compared only if they have a key in common."""

from libs.wire.names import words
from services.registration.linkage.records import Record


def keys(record: Record) -> frozenset[str]:
    """The keys of a record, as `kind:value`. They contain clear text: an index stores keyed hashes of them only."""
    found = set()
    given, family = sorted(words(record.given_names or "")), sorted(words(record.family_names or ""))
    if given and family:
        found.add(f"names:{' '.join(given)}|{' '.join(family)}")
    if given and record.birth_date:
        found.add(f"given-date:{given[0]}|{record.birth_date}")
    if family and record.birth_date:
        found.add(f"family-date:{family[0]}|{record.birth_date}")
    if record.document_number:
        found.add(f"document:{record.document_number}")
    return frozenset(found)
