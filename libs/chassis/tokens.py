"""The check of access tokens against the issuer's published keys (RFC 9068, RFC 7517)."""

import asyncio
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import httpx
from joserfc import jws, jwt
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwk import KeySet, RSAKey

from libs.chassis.errors import Unavailable
from libs.chassis.logs import get_logger
from libs.chassis.revocations import Revocations

ALGORITHMS = ("ES256", "PS256", "RS256", "Ed25519", "EdDSA")
LEEWAY_SECONDS = 10
_REQUIRED = ("iss", "exp", "aud", "sub", "client_id", "iat", "jti")
_TEXTS = ("iss", "sub", "client_id", "jti")
_TYPES = frozenset({"at+jwt", "application/at+jwt"})
_LONGEST_TOKEN = 8_192
_TOKENS_KNOWN = 4_096
"""The maximum number of tokens whose signature is not checked again."""
_LEAST_WITHOUT_KEYS_SECONDS = 1.0
_LEAST_RSA_BITS = 2048

log = get_logger(__name__)


class _Registry(jws.JWSRegistry):
    """Allows only the listed algorithms. EdDSA is one of them: RFC 9864 renames it, but issuers still use it."""

    def get_alg(self, name: str) -> Any:
        if name not in ALGORITHMS:
            raise UnsupportedAlgorithmError(name)
        return self.algorithms[name]


# RFC 7515: unknown header parameters are ignored, unless `crit` names them.
_REGISTRY = _Registry(algorithms=ALGORITHMS, strict_check_header=False)


class InvalidToken(Exception):  # noqa: N818 (the name of RFC 6750)
    """The token is refused; the text gives the reason and is safe to send to the caller."""


class IssuerUnreachable(Unavailable):
    """The issuer's keys cannot be fetched now, so no caller can be authenticated."""

    code = "issuer-unreachable"
    retry_after_seconds = 5


class KeyRing:
    """The issuer's public keys: fetched at first need, again each hour, and when a token names an unknown key.

    Unknown keys cause at most one fetch in `least_seconds`, so that forged tokens cannot cause traffic to the issuer.
    Known keys stay valid while the issuer is unavailable, and no request waits while they are fetched again.
    """

    def __init__(
        self,
        url: str,
        client: httpx.AsyncClient,
        *,
        least_seconds: float = 10.0,
        fresh_seconds: float = 3600.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._client = client
        self._least = least_seconds
        self._fresh = fresh_seconds
        self._monotonic = monotonic
        self._keys: KeySet | None = None
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._failed = False
        self._lock = asyncio.Lock()
        self._renewal: asyncio.Task[None] | None = None

    async def keys_for(self, key_id: str | None) -> KeySet:
        """The keys, including the one with `key_id`; raises `InvalidToken` if it is missing, or `IssuerUnreachable`."""
        if self._keys is None or not _holds(self._keys, key_id):
            await self._refresh(key_id)
        elif self._is_stale() and (self._renewal is None or self._renewal.done()):
            self._renewal = asyncio.create_task(self._refresh(key_id))
        if self._keys is None:
            raise IssuerUnreachable("The token issuer does not answer.")
        if not _holds(self._keys, key_id):
            if self._failed:
                raise IssuerUnreachable("The token issuer does not answer.")
            raise InvalidToken("The token is signed with an unknown key")
        return self._keys

    def _is_stale(self) -> bool:
        return self._monotonic() - self._fetched_at > self._fresh

    async def _refresh(self, key_id: str | None) -> None:
        async with self._lock:
            known = self._keys is not None and _holds(self._keys, key_id) and not self._is_stale()
            # Without any key no caller can be authenticated, so the next fetch comes sooner; but requests that
            # waited for a failed attempt do not each start another one.
            least = self._least if self._keys is not None else min(self._least, _LEAST_WITHOUT_KEYS_SECONDS)
            if known or self._monotonic() - self._tried_at < least:
                return
            self._tried_at = self._monotonic()
            try:
                answer = await self._client.get(self._url, timeout=3.0, follow_redirects=False)
                answer.raise_for_status()
                self._keys = _strong(KeySet.import_key_set(answer.json()))
            except (httpx.HTTPError, httpx.InvalidURL, JoseError, ValueError, TypeError, KeyError) as error:
                self._failed = True
                log.warning("issuer.unreachable", error=error)
                return
            self._failed = False
            self._fetched_at = self._monotonic()


class TokenVerifier:
    """Checks access tokens: signature, algorithm, `typ`, issuer, audience, times, and the claims of RFC 9068."""

    def __init__(
        self,
        ring: KeyRing,
        *,
        issuer: str,
        audience: str,
        clock: Callable[[], float] = time.time,
        longest_seconds: float = 3600,
        revocations: Revocations | None = None,
    ) -> None:
        self._ring = ring
        self._longest = longest_seconds
        self._revocations = revocations or Revocations(None)
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._known: dict[str, tuple[KeySet | None, Mapping[str, Any]]] = {}

    async def verify(self, token: str) -> Mapping[str, Any]:
        """The claims of a valid token; `InvalidToken` for an invalid one, `IssuerUnreachable` without keys."""
        header = _header(token)
        claims = self._signed(token, await self._ring.keys_for(header.get("kid")))
        self._check(claims)
        return claims

    def _signed(self, token: str, keys: KeySet) -> Mapping[str, Any]:
        """The claims of a token with a valid signature. The signature is checked once, because clients reuse tokens."""
        under, claims = self._known.get(token, (None, {}))
        if under is keys:  # newly fetched keys may not contain the key that signed it
            return claims
        try:
            claims = MappingProxyType(jwt.decode(token, keys, registry=_REGISTRY).claims)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            raise InvalidToken("The signature of the token is invalid") from None
        self._known[token] = keys, claims
        if len(self._known) > _TOKENS_KNOWN:
            del self._known[next(iter(self._known))]
        return claims

    def _check(self, claims: Mapping[str, Any]) -> None:
        missing = [name for name in _REQUIRED if name not in claims]
        if missing:
            raise InvalidToken(f"The token does not contain {', '.join(missing)}")
        if not all(isinstance(claims[name], str) for name in _TEXTS):
            raise InvalidToken("A claim of the token has the wrong form")
        audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        if claims["iss"] != self._issuer:
            raise InvalidToken("The token comes from another issuer")
        if self._audience not in audience:
            raise InvalidToken("The token is for another audience")
        now = self._clock()
        if _seconds(claims, "exp") + LEEWAY_SECONDS <= now:
            raise InvalidToken("The token has expired")
        if _seconds(claims, "iat") - LEEWAY_SECONDS > now or _seconds(claims, "nbf", 0) - LEEWAY_SECONDS > now:
            raise InvalidToken("The token is not valid yet")
        if _seconds(claims, "exp") - _seconds(claims, "iat") > self._longest:
            raise InvalidToken("The validity of the token is too long")
        if self._revocations.denies(claims):
            raise InvalidToken("The token has been revoked")


def _header(token: str) -> Mapping[str, Any]:
    if len(token) > _LONGEST_TOKEN:
        raise InvalidToken("The token is too long")
    try:
        header = jws.extract_compact(token.encode("ascii")).headers()
    except (JoseError, ValueError, TypeError, AttributeError):
        raise InvalidToken("The token is not a signed JWT") from None
    if str(header.get("typ", "")).lower() not in _TYPES:
        raise InvalidToken("The token is not an access token: typ must be at+jwt")
    if header.get("alg") not in ALGORITHMS:
        raise InvalidToken("The token is signed with an algorithm that is not accepted")
    if not isinstance(header.get("kid", ""), str):
        raise InvalidToken("The token is not a signed JWT")
    return header


def _strong(keys: KeySet) -> KeySet:
    """The keys without weak RSA keys: somebody who breaks such a key could create any token."""
    weak = [key for key in keys.keys if isinstance(key, RSAKey) and key.raw_value.key_size < _LEAST_RSA_BITS]
    if weak:
        log.warning("issuer.weak_keys", count=len(weak))
    return KeySet([key for key in keys.keys if key not in weak])


def _holds(keys: KeySet, key_id: str | None) -> bool:
    if key_id is None:
        return len(keys.keys) == 1
    return any(key.kid == key_id for key in keys.keys)


def _seconds(claims: Mapping[str, Any], name: str, default: float | None = None) -> float:
    value = claims.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidToken("A claim of the token has the wrong form")
    return float(value)
