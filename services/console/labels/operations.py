"""Words for codes of what is stuck: the event bus of a service, endpoints that fail."""

from collections.abc import Mapping
from typing import Final

from services.console.words import N_

LABELS: Final[Mapping[str, Mapping[str, str]]] = {
    "stopped_reason": {
        "too-many-failures": N_("too many events of it failed"),
        "batch-fails": N_("a batch of its events fails as a whole"),
        "log-cut": N_("its log was cut"),
        "records-removed": N_("events were removed before they were read"),
        "record-missing": N_("an event is missing"),
        "not-authorized": N_("the service may not read it"),
        "other": N_("another reason, see the log"),
    },
}
