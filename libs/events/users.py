"""Passwords of Kafka's users, in the form of SCRAM-SHA-512: the broker gets a salted hash and never the password.

aiokafka has no function for this, so the request is defined here as in KIP-554 (`AlterUserScramCredentials`, version
0).
"""

import secrets
from collections.abc import Mapping
from hashlib import pbkdf2_hmac
from typing import Any

from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import CompactArray, CompactBytes, CompactString, Int8, Int16, Int32, Schema, TaggedFields

from libs.events import kafka
from libs.events.cluster import Cluster

ITERATIONS = 8_192
"""Rounds of the hash. Kafka allows 4,096 to 16,384. The client computes the hash once for each login."""
_SCRAM_SHA_512 = 2
_SALT_BYTES = 32


class _Response(Response):
    API_KEY = 51
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "results",
            CompactArray(
                ("user", CompactString("utf-8")),
                ("error_code", Int16),
                ("error_message", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _RequestStruct(RequestStruct):
    FLEXIBLE_VERSION = True
    API_KEY = 51
    API_VERSION = 0
    RESPONSE_TYPE = _Response
    SCHEMA = Schema(
        (
            "deletions",
            CompactArray(("name", CompactString("utf-8")), ("mechanism", Int8), ("tags", TaggedFields)),
        ),
        (
            "upsertions",
            CompactArray(
                ("name", CompactString("utf-8")),
                ("mechanism", Int8),
                ("iterations", Int32),
                ("salt", CompactBytes),
                ("salted_password", CompactBytes),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _Request(Request[_RequestStruct]):
    API_KEY = 51

    def __init__(self, upsertions: list[tuple[Any, ...]]) -> None:
        self._upsertions = upsertions

    def build(self, request_struct_class: type[_RequestStruct]) -> _RequestStruct:
        return request_struct_class([], self._upsertions, {})


async def set_passwords(cluster: str | Cluster, passwords: Mapping[str, str]) -> None:
    """Give each of these users its password. Missing users are created, and open connections are not closed.

    Raises KafkaError if the caller may not do this (it needs ALTER on the cluster).
    """
    wanted: list[tuple[Any, ...]] = []
    for user, password in passwords.items():
        salt = secrets.token_bytes(_SALT_BYTES)
        salted = pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
        wanted.append((user, _SCRAM_SHA_512, ITERATIONS, salt, salted, {}))
    async with kafka.admin(cluster) as admin:
        response = await admin._send_to_controller(_Request(wanted))
    for user, code, *_ in response.results:
        if code:
            raise KafkaError(f"the password of {user} could not be set: {for_code(code).__name__}")
