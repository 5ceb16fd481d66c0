"""The rules for safe contacts (pure).

An address of a safe contact is checked and stored in one form. Spreadsheets turn numbers into `5.02E+10`, and people
fill in `no tiene`. With such an address a person cannot be called back, and nobody notices it.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from phonenumbers import PhoneNumberType

from libs.chassis.errors import FieldError
from libs.events.catalogue.arrivals import SafeContactTold
from libs.events.codes import ContactChannel
from libs.wire.names import has_control, has_letter
from services.registration.told_times import ToldTimes


class ContactState(StrEnum):
    """Whether a safe contact is known. After its end it must be asked again."""

    MISSING = "missing"
    VALID = "valid"
    ENDED = "ended"
    NOBODY = "nobody"


_OF_AN_ADDRESS: Final = ("address", "address_owner", "code_word", "expires_at")


def safe_contact_faults(
    body: SafeContactTold, *, at: datetime, times: ToldTimes, country: str, pointer: str
) -> list[FieldError]:
    """The faults of a safe contact: an address that is missing or does not fit the channel, hours in the wrong order,
    or an end that cannot be true. An end in the past is kept, so that nobody uses an older contact instead."""
    faults = []
    if body.channel is ContactChannel.NONE:
        detail = "A person who must not be contacted cannot have an address."
        told = [name for name in _OF_AN_ADDRESS if getattr(body, name) is not None]
        faults += [FieldError(f"{pointer}/{name}", "no-address", detail) for name in told]
    elif body.address is None:
        faults.append(FieldError(f"{pointer}/address", "address-required", "This channel requires an address."))
    else:
        faults += address_faults(body.channel, body.address, country=country, pointer=f"{pointer}/address")
    hours_from, hours_until = body.told("hours_from"), body.told("hours_until")
    if hours_from is not None and hours_until is not None and hours_until <= hours_from:
        faults.append(FieldError(f"{pointer}/hours_until", "after-hours-from", "Safe hours must end after they begin."))
    if body.expires_at is not None:
        faults += times.contact_expires_at.faults(body.expires_at, at=at, pointer=f"{pointer}/expires_at")
    return faults


def contact_end(
    channel: ContactChannel, *, told: datetime | None, confirmed_at: datetime, lasts: timedelta
) -> datetime | None:
    """When a safe contact ends. The wish that nobody makes contact never ends."""
    if channel is ContactChannel.NONE:
        return None
    return confirmed_at + lasts if told is None else told


def has_ended(end: datetime | None, *, at: datetime) -> bool:
    """Whether a safe contact with this end must not be used any more."""
    return end is not None and end <= at


_SENT_TO = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})
"""Types of numbers that can receive a text message."""
_DEARER = frozenset({PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST})
_NO_NUMBER = "A telephone number is needed, with its country code where it is of another country."


def address_faults(channel: ContactChannel, address: str, *, country: str, pointer: str) -> list[FieldError]:
    """The faults of the address of a channel. A number without a country code belongs to `country`."""
    fault = _fault(channel, address, country)
    return [] if fault is None else [FieldError(pointer, *fault)]


def kept_address(channel: ContactChannel, address: str, *, country: str) -> str:
    """A valid address in the form in which it is stored: numbers in E.164."""
    if channel in (ContactChannel.SMS, ContactChannel.CALL):
        return phonenumbers.format_number(_number(address, country), phonenumbers.PhoneNumberFormat.E164)
    if channel is ContactChannel.EMAIL:
        return validate_email(address, check_deliverability=False).normalized
    return address.strip()


def _fault(channel: ContactChannel, address: str, country: str) -> tuple[str, str] | None:
    if channel in (ContactChannel.SMS, ContactChannel.CALL):
        return _number_fault(channel, address, country)
    if channel is ContactChannel.EMAIL:
        try:
            validate_email(address, check_deliverability=False)
        except EmailNotValidError:
            return ("email-address", "An e-mail address is needed, such as name@example.org.")
    elif has_control(address) or not (has_letter(address) or any(one.isdigit() for one in address)):
        return ("relay-address", "Say in words through whom the person is reached.")
    return None


def _number_fault(channel: ContactChannel, address: str, country: str) -> tuple[str, str] | None:
    # The library reads letters as the digits on the same key of a telephone, so it would read 5.02E+10 as a number.
    if any(one.isalpha() for one in address):
        return ("phone-number", _NO_NUMBER)
    try:
        number = _number(address, country)
    except phonenumbers.NumberParseException:
        return ("phone-number", _NO_NUMBER)
    if not phonenumbers.is_possible_number(number) or not phonenumbers.is_valid_number(number):
        return ("phone-number", _NO_NUMBER)
    if number.extension:
        return ("phone-extension", "A number with an extension cannot be dialled; give a direct one.")
    kind = phonenumbers.number_type(number)
    if kind in _DEARER:
        return ("phone-number", "This is a number of a service that charges for calls.")
    if channel is ContactChannel.SMS and kind not in _SENT_TO:
        return ("mobile-number", "Messages need a mobile number; choose the channel for calls.")
    return None


def _number(address: str, country: str) -> phonenumbers.PhoneNumber:
    return phonenumbers.parse(address, country)


SAFE_CONTACT = "/safe_contact"
"""The pointer under which a change of the safe contact is noted."""
