"""Words for codes of endpoints and deliveries."""

from collections.abc import Mapping
from typing import Final

from services.console.words import N_

LABELS: Final[Mapping[str, Mapping[str, str]]] = {
    "endpoint_status": {
        "enabled": N_("works"),
        "disabled": N_("switched off"),
        "deleted": N_("deleted"),
    },
    "disabled_reason": {
        "by_owner": N_("Your organisation has switched it off."),
        "gone": N_("Your server answered that this address does not exist any more (410)."),
        "failing": N_("Your server did not answer for three days."),
    },
    "event_type": {
        "offer.made.v1": N_("a new offer"),
        "offer.reminded.v1": N_("reminder: an offer waits for your answer"),
        "offer.accepted.v1": N_("an offer was accepted"),
        "offer.expired.v1": N_("an offer was not answered in time"),
        "offer.recalled.v1": N_("an offer was taken back"),
        "offer.halted.v1": N_("an accepted offer was halted"),
        "offer.upheld.v1": N_("a halted offer may go on"),
        "referral.reminded.v1": N_("reminder: a start or an outcome is missing"),
        "referral.cancelled.v1": N_("a referral was cancelled"),
        "referral.entered-in-error.v1": N_("a referral was recorded by mistake"),
        "referral.not-delivered.v1": N_("a service was not given"),
        "stay.ending.v1": N_("a stay ends soon, or its end has changed"),
        "packet.deletion-requested.v1": N_("you are asked to delete data"),
        "capacity.refresh-requested.v1": N_("you are asked for the number of free places"),
        "endpoint.disabled.v1": N_("a connection was switched off"),
        "endpoint.test.v1": N_("test"),
    },
    "delivery_status": {
        "pending": N_("waits for the next attempt"),
        "sending": N_("is being sent"),
        "succeeded": N_("arrived"),
        "failed": N_("failed"),
    },
    "attempt_fault": {
        "address-forbidden": N_("the name leads to an address that is not public"),
        "url-forbidden": N_("this address may not be used"),
        "name-not-found": N_("the name of the server was not found"),
        "connection-failed": N_("the server could not be reached"),
        "tls-failed": N_("the secure connection failed: check the certificate of your server"),
        "protocol-error": N_("the answer of your server was not understood"),
        "timeout": N_("your server did not answer in time"),
        "redirected": N_("your server sent us to another address; this is not followed"),
        "gone": N_("your server answered that this address does not exist any more (410)"),
        "status-not-2xx": N_("your server answered with an error"),
        "sender-lost": N_("our process was stopped during the attempt"),
        "endpoint-not-enabled": N_("the connection was switched off"),
        "signing-failed": N_("a fault of ours: the message could not be signed"),
    },
}
