"""Every event of Enlace: one class per fact, one module per publisher, and the catalogue of all."""

from libs.events.catalogue import arrivals, audit, directory, kept_apart, notifications, referral, registration
from libs.events.event import Event

CATALOGUE: dict[tuple[str, str], type[Event]] = {
    (model.topic, model.type): model
    for module in (arrivals, registration, kept_apart, directory, referral, notifications, audit)
    for model in module.EVENTS
}
"""Every event by topic and type. A type is unique within its topic."""
