"""What address a channel of contact takes, and the one form in which it is kept (pure).

Spreadsheets turn numbers into `5.02E+10`, and forms are filled in with `no tiene`. Somebody who cannot be reached under
what was written down is not called back, and nobody notices.
"""

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from phonenumbers import PhoneNumberType

from libs.chassis.errors import FieldError
from libs.events.codes import ContactChannel
from libs.wire.names import has_control, has_letter

_SENT_TO = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})
"""Numbers that can get a short message."""
_DEARER = frozenset({PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST})
_NO_NUMBER = "A telephone number is needed, with its country code where it is of another country."


def address_faults(channel: ContactChannel, address: str, *, country: str, pointer: str) -> list[FieldError]:
    """What is wrong with the address of a channel; a number without a country code is one of `country`."""
    fault = _fault(channel, address, country)
    return [] if fault is None else [FieldError(pointer, *fault)]


def kept_address(channel: ContactChannel, address: str, *, country: str) -> str:
    """An address without fault as it is kept: numbers in E.164."""
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
    # The library reads letters as the digits that share their key, and so 5.02E+10 as a number.
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
