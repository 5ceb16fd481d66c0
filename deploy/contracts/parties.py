"""The senders and subscribers of events, as the code of the services defines them."""

from typing import cast

from deploy.local.installation import ROOT
from libs.events.catalogue import arrivals, audit, directory, kept_apart, notifications, referral, registration
from libs.events.contracts.parties import Party
from libs.events.event import Event
from libs.events.subscriptions import Subscriptions
from services.notifications.inbox.subscribers import subscribe as subscribe_notifications
from services.provider_directory.capacity.subscribers import subscriptions as directory_subscriptions
from services.referral.app import subscriptions as referral_subscriptions
from services.referral.pack.policy import load_policy
from services.registration.app import subscriptions_of as registration_subscriptions
from services.registration.pack import load_pack
from services.registration.vault.sealing import Vault

PACK = ROOT / "deploy" / "packs" / "guatemala"
"""Any pack can be used: the subscriptions of a service do not depend on it."""


def parties() -> list[Party]:
    """Reception systems and the four services, in the order in which an arrival meets them."""
    # Handlers are registered and not called, so no vault is needed.
    no_vault = cast(Vault, None)
    notified = Subscriptions("notifications")
    subscribe_notifications(notified)
    return [
        Party("reception-systems", frozenset(arrivals.EVENTS)),
        _party(
            "registration",
            (*registration.EVENTS, *kept_apart.EVENTS, audit.RegistrationAuditSealed),
            registration_subscriptions(vault=no_vault, pack=load_pack(PACK)),
        ),
        _party("provider_directory", directory.EVENTS, directory_subscriptions),
        _party("referral", (*referral.EVENTS, audit.ReferralAuditSealed), referral_subscriptions(load_policy(PACK))),
        _party("notifications", notifications.EVENTS, notified),
    ]


def _party(name: str, sends: tuple[type[Event], ...], hears: Subscriptions) -> Party:
    return Party(name, frozenset(sends), hears.events, hears.group)
