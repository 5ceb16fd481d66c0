"""The outer key in a key manager: the transit engine of HashiCorp Vault or OpenBao, over its HTTP API.

The key manager encrypts and decrypts data keys; its own key never leaves it. The plaintext of each is the id of the
subject and then the data key, so that a wrapped key cannot be moved to another subject: `associated_data` would do the
same, but `rewrap` does not take it. Unwrapped keys stay in memory for a short time, because otherwise each read of a
person would be a call to the key manager.
"""

import base64
import binascii
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from libs.chassis.errors import Unavailable
from libs.chassis.http_client import Transport
from libs.chassis.logs import get_logger
from libs.wire.secret_file import read_secret
from services.registration.vault.ciphers import KEY_BYTES, VaultError
from services.registration.vault.outer import Wrapped

log = get_logger(__name__)
AT_ONCE = 1000
"""Keys in one call: about 150 kB, far below the 32 MiB that a server accepts."""
KEPT_KEYS = 10_000
TIMEOUT = httpx.Timeout(5.0, connect=2.0)
_SUBJECT_BYTES = 16


class KeyManagerAway(Unavailable):
    """The key manager does not answer, is sealed, or refuses the token. Nothing can be encrypted or decrypted now.

    It is always raised from a `ConnectionError`: by this, the bus knows an outage, and parks no event because of it.
    """

    def __init__(self) -> None:
        super().__init__("The key manager does not answer; try again later.")


class Transit:
    """A mount of the transit engine, such as `https://bao.example.org:8200/v1/transit`.

    The token is in a file, which an agent of the key manager renews; it is read again for each call.
    """

    def __init__(
        self,
        url: str,
        token_file: Path,
        *,
        authorities: Path | None = None,
        kept_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url.rstrip("/")
        self._token_file = token_file
        self._tls = ssl.create_default_context(cafile=str(authorities) if authorities else None)
        self._kept_seconds, self._monotonic = kept_seconds, monotonic
        self._client: httpx.AsyncClient | None = None

    def key(self, name: str) -> "TransitKey":
        """The key of this name."""
        return TransitKey(self, name, kept_seconds=self._kept_seconds, monotonic=self._monotonic)

    def opened(self, name: str, wrapped: str, *, purpose: str) -> bytes:
        """A key of the file of vault keys. Raises VaultError if it was wrapped for another purpose."""
        with httpx.Client(verify=self._tls, timeout=TIMEOUT) as client:
            try:
                answer = client.post(**self._request(f"decrypt/{name}", _ciphertexts([wrapped.encode()])))
            except httpx.HTTPError as error:
                raise KeyManagerAway from ConnectionError(type(error).__name__)
        return _unbound(_results(answer)[0], kept_subject(purpose).bytes)

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def post(self, path: str, items: Sequence[dict[str, str]]) -> list[dict[str, Any]]:
        """The result of each item of a batch. A connection that the server has closed meanwhile is tried once more."""
        answer = await self._sent("POST", self._request(path, items))
        return _results(answer, wanted=len(items))

    async def read(self, path: str) -> dict[str, Any]:
        """What the key manager tells about a key."""
        return _data(await self._sent("GET", self._request(path, None)))

    async def _sent(self, method: str, request: dict[str, Any]) -> httpx.Response:
        if self._client is None:
            transport = Transport(verify=self._tls, limits=httpx.Limits(max_connections=20))
            self._client = httpx.AsyncClient(transport=transport, timeout=TIMEOUT)
        try:
            try:
                return await self._client.request(method, **request)
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                return await self._client.request(method, **request)
        except httpx.HTTPError as error:
            log.warning("key_manager.away", error=error)
            raise KeyManagerAway from ConnectionError(type(error).__name__)

    def _request(self, path: str, items: Sequence[dict[str, str]] | None) -> dict[str, Any]:
        try:
            token = read_secret(self._token_file)
        except ValueError as error:
            log.error("key_manager.no_token", error=error)
            raise KeyManagerAway from ConnectionError("the token cannot be read")
        headers = {"X-Vault-Token": token, "X-Vault-Request": "true"}
        body = {} if items is None else {"json": {"batch_input": list(items)}}
        return {"url": f"{self._url}/{path}", "headers": headers} | body


class TransitKey:
    """One key of a transit engine, with all its versions. It implements the port `OuterKey`."""

    def __init__(self, transit: Transit, name: str, *, kept_seconds: float, monotonic: Callable[[], float]) -> None:
        self._transit, self._name = transit, name
        self._kept = _Kept(kept_seconds, monotonic)

    @property
    def names(self) -> list[str]:
        """Its name, which is not that of a version."""
        return [f"transit/{self._name}"]

    def owns(self, wrapped: bytes) -> bool:
        """The ciphertexts of a key manager begin with the version of the key, such as `vault:v1:`."""
        return wrapped.startswith(b"vault:v")

    async def current(self) -> str:
        """The name of the newest version."""
        return f"{self.names[0]}:v{(await self._versions())[-1]}"

    async def usable(self) -> list[str]:
        """The names of the versions that the key manager still allows for decryption."""
        return [f"{self.names[0]}:v{version}" for version in await self._versions()]

    async def wrap(self, secrets: Mapping[UUID, bytes]) -> dict[UUID, Wrapped]:
        """Encrypt data keys with the newest version."""
        plain = [{"plaintext": _text(one.bytes + secret)} for one, secret in secrets.items()]
        wrapped = await self._many("encrypt", list(secrets), plain)
        for one, secret in secrets.items():
            self._kept.keep(wrapped[one].content, one.bytes + secret)
        return wrapped

    async def unwrap(self, wrapped: Mapping[UUID, bytes]) -> dict[UUID, bytes]:
        """Decrypt data keys; those that are in memory need no call."""
        found = {one: plain for one, content in wrapped.items() if (plain := self._kept.get(content))}
        secrets = {one: _of_subject(plain, one.bytes) for one, plain in found.items()}
        for ids in _parts([one for one in wrapped if one not in found]):
            results = await self._transit.post(f"decrypt/{self._name}", _ciphertexts([wrapped[one] for one in ids]))
            for one, result in zip(ids, results, strict=True):
                secrets[one] = _unbound(result, one.bytes)
                self._kept.keep(wrapped[one], one.bytes + secrets[one])
        return secrets

    async def rewrap(self, wrapped: Mapping[UUID, bytes]) -> dict[UUID, Wrapped]:
        """Encrypt with the newest version. The data keys do not leave the key manager."""
        return await self._many("rewrap", list(wrapped), _ciphertexts(list(wrapped.values())))

    def forget(self, wrapped: Collection[bytes]) -> None:
        """Remove them from memory."""
        self._kept.forget(wrapped)

    async def _many(self, verb: str, ids: Sequence[UUID], items: Sequence[dict[str, str]]) -> dict[UUID, Wrapped]:
        found: list[dict[str, Any]] = []
        for part in _parts(items):
            found += await self._transit.post(f"{verb}/{self._name}", part)
        return {one: self._wrapped(result) for one, result in zip(ids, found, strict=True)}

    def _wrapped(self, result: Mapping[str, Any]) -> Wrapped:
        content = str(_whole(result, "ciphertext"))
        prefix, version, _ = (*content.split(":", 2), "", "")[:3]
        if prefix != "vault" or not version.startswith("v"):
            raise VaultError("the key manager gave a ciphertext of another form")
        return Wrapped(content.encode(), f"{self.names[0]}:{version}")

    async def _versions(self) -> range:
        told = await self._transit.read(f"keys/{self._name}")
        try:
            return range(max(1, int(told["min_decryption_version"])), int(told["latest_version"]) + 1)
        except (KeyError, TypeError, ValueError):
            raise KeyManagerAway from ConnectionError("no versions in the answer")


class _Kept:
    """Unwrapped keys in memory, each for a limited time, the oldest out first."""

    def __init__(self, seconds: float, monotonic: Callable[[], float]) -> None:
        self._seconds, self._monotonic = seconds, monotonic
        self._found: OrderedDict[bytes, tuple[bytes, float]] = OrderedDict()

    def get(self, wrapped: bytes) -> bytes | None:
        plain, until = self._found.get(wrapped, (None, 0.0))
        return plain if until > self._monotonic() else None

    def keep(self, wrapped: bytes, plain: bytes) -> None:
        now = self._monotonic()
        self._found.pop(wrapped, None)
        self._found[wrapped] = (plain, now + self._seconds)
        while self._found and (len(self._found) > KEPT_KEYS or next(iter(self._found.values()))[1] <= now):
            self._found.popitem(last=False)

    def forget(self, wrapped: Collection[bytes]) -> None:
        for one in wrapped:
            self._found.pop(one, None)


def kept_subject(purpose: str) -> UUID:
    """What a key of the file of vault keys is bound to, in the place of a subject."""
    return UUID(bytes=sha256(f"enlace.registration.file.{purpose}".encode()).digest()[:_SUBJECT_BYTES])


def _parts(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (items[start : start + AT_ONCE] for start in range(0, len(items), AT_ONCE))


def _ciphertexts(wrapped: Sequence[bytes]) -> list[dict[str, str]]:
    return [{"ciphertext": one.decode("ascii", "replace")} for one in wrapped]


def _data(answer: httpx.Response) -> dict[str, Any]:
    """The data of an answer. If items of a batch are refused, the status is an error, but the answer has results."""
    try:
        data = answer.json().get("data")
    except (ValueError, AttributeError):
        data = None
    if isinstance(data, dict) and (answer.is_success or "batch_results" in data):
        return data
    if not answer.is_success:
        log.warning("key_manager.refused", status=answer.status_code)
    raise KeyManagerAway from ConnectionError(f"status {answer.status_code}")


def _results(answer: httpx.Response, wanted: int = 1) -> list[dict[str, Any]]:
    results = _data(answer).get("batch_results")
    if not isinstance(results, list) or len(results) != wanted:
        raise KeyManagerAway from ConnectionError("no result for each item")
    return results


def _whole(result: Mapping[str, Any], name: str) -> Any:
    if result.get("error") or not result.get(name):
        raise VaultError("the key manager cannot decrypt a wrapped key")
    return result[name]


def _unbound(result: Mapping[str, Any], subject: bytes) -> bytes:
    try:
        return _of_subject(base64.b64decode(_whole(result, "plaintext"), validate=True), subject)
    except binascii.Error:
        raise VaultError("the key manager gave a plaintext of another form") from None


def _of_subject(plain: bytes, subject: bytes) -> bytes:
    if len(plain) != _SUBJECT_BYTES + KEY_BYTES or plain[:_SUBJECT_BYTES] != subject:
        raise VaultError("a wrapped key belongs to another subject")
    return plain[_SUBJECT_BYTES:]


def _text(plain: bytes) -> str:
    return base64.b64encode(plain).decode()
