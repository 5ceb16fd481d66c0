"""The OpenID provider: code flow with PKCE, renewal of tokens, the address of the sign-out. Protocol parts by Authlib.

An ID token is checked as strictly as an access token: signature by one of the issuer's keys, algorithm, issuer,
audience, times, nonce (OpenID Connect Core 3.1.3.7).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import JoseError

from libs.chassis.errors import Unavailable
from libs.chassis.logs import get_logger
from libs.chassis.tokens import ALGORITHMS, LEEWAY_SECONDS, InvalidToken, KeyRing
from services.console.errors import IssuerAway, SignedOut, SignInRefused
from services.console.sessions import Rights, Tokens
from services.console.settings import ConsoleSettings

log = get_logger(__name__)
SCOPE: Final = "openid"
_KEPT_SECONDS: Final = 600.0
_LONGEST_TOKEN: Final = 8_192
_LONGEST_VALIDITY_SECONDS: Final = 86_400


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The result of a sign-in or of a renewal."""

    subject: str
    name: str
    rights: Rights
    tokens: Tokens


class Issuer:
    """The OpenID provider of the settings."""

    def __init__(self, settings: ConsoleSettings, http: httpx.AsyncClient) -> None:
        self._settings = settings
        self._http = http
        self._document: Mapping[str, Any] = {}
        self._read_at = float("-inf")
        self._ring: KeyRing | None = None

    @property
    def callback(self) -> str:
        """The address to which the issuer sends the browser back; the issuer must know exactly this one."""
        return f"{self._settings.console_url}/sign-in/callback"

    async def authorize_url(self, *, state: str, nonce: str, verifier: str, language: str) -> str:
        """Where the browser goes to sign in. Raises IssuerAway, because a browser cannot explain that itself."""
        document = await self._configuration(must_answer=True)
        url: str = prepare_grant_uri(  # type: ignore[no-untyped-call]
            document["authorization_endpoint"],
            client_id=self._settings.client_id,
            response_type="code",
            redirect_uri=self.callback,
            scope=SCOPE,
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),  # type: ignore[no-untyped-call]
            code_challenge_method="S256",
            ui_locales=language,
        )
        return url

    async def exchange(self, code: str, *, verifier: str, nonce: str) -> SignedIn:
        """The tokens for a code. Raises SignInRefused or IssuerAway."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.callback}
        told = await self._tokens(form | {"code_verifier": verifier})
        if told is None:
            raise SignInRefused("code-refused")
        return await self._signed_in(told, nonce=nonce)

    async def renew(self, tokens: Tokens, *, subject: str) -> SignedIn:
        """New tokens for the same person, with their present rights. SignedOut if the issuer gives none any more."""
        if tokens.refresh is None:
            raise SignedOut
        told = await self._tokens({"grant_type": "refresh_token", "refresh_token": tokens.refresh})
        if told is None:
            raise SignedOut
        kept = {"refresh_token": tokens.refresh, "id_token": tokens.id_token, **told}
        try:
            fresh = await self._signed_in(kept, nonce=None, expired_id_token="id_token" not in told)
        except SignInRefused:
            raise SignedOut from None
        if fresh.subject != subject:
            log.warning("issuer.other_subject")
            raise SignedOut
        return fresh

    async def sign_out_url(self, id_token: str) -> str | None:
        """Where the browser ends its session at the issuer; None if the issuer has no such address, or is away."""
        try:
            endpoint = (await self._configuration(must_answer=True)).get("end_session_endpoint")
        except IssuerAway:
            return None
        if endpoint is None:
            return None
        query = {"id_token_hint": id_token, "post_logout_redirect_uri": f"{self._settings.console_url}/"}
        return f"{endpoint}?{urlencode(query | {'client_id': self._settings.client_id})}"

    @property
    def known_origin(self) -> str:
        """The issuer as the browser sees it: forms of the console may lead there. Empty before its first answer."""
        return _origin(self._document["authorization_endpoint"]) if self._document else ""

    async def _configuration(self, *, must_answer: bool = False) -> Mapping[str, Any]:
        """The issuer's document. With `must_answer` it is read now, so that a browser is not sent to a dead address."""
        if not must_answer and time.monotonic() - self._read_at < _KEPT_SECONDS:
            return self._document
        url = f"{self._settings.issuer_url}/.well-known/openid-configuration"
        try:
            answer = await self._http.get(url)
            answer.raise_for_status()
            document = answer.json()
            if document["issuer"] != self._settings.token_issuer:
                raise ValueError("another issuer")
            self._document = {"authorization_endpoint": document["authorization_endpoint"], **document}
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            if self._document and not must_answer:
                return self._document
            log.warning("issuer.away", error=error)
            raise IssuerAway from None
        self._read_at = time.monotonic()
        jwks = self._settings.token_jwks_url or self._here(self._document["jwks_uri"])
        self._ring = self._ring or KeyRing(jwks, self._http)
        return self._document

    def _here(self, url: str) -> str:
        """An address of the issuer from the console's side."""
        return url.replace(self._settings.token_issuer.rstrip("/"), self._settings.issuer_url, 1)

    async def _tokens(self, form: dict[str, str]) -> dict[str, Any] | None:
        """The issuer's tokens; None if it refuses the grant."""
        endpoint = self._here((await self._configuration())["token_endpoint"])
        auth = httpx.BasicAuth(self._settings.client_id, self._settings.client_secret.get_secret_value())
        try:
            answer = await self._http.post(endpoint, data=form, auth=auth)
        except httpx.HTTPError as error:
            log.warning("issuer.away", error=error)
            raise IssuerAway from None
        if answer.status_code in (httpx.codes.BAD_REQUEST, httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            log.warning("issuer.refused", status=answer.status_code)
            return None
        try:
            answer.raise_for_status()
            told: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            log.warning("issuer.away", error=error)
            raise IssuerAway from None
        return told

    async def _signed_in(
        self, told: Mapping[str, Any], *, nonce: str | None, expired_id_token: bool = False
    ) -> SignedIn:
        try:
            access, id_token = str(told["access_token"]), str(told["id_token"])
            person = await self._id_claims(id_token, nonce=nonce, access=access, expired=expired_id_token)
            claims = (await self._verified(access, types={"at+jwt", "application/at+jwt"}))[1]
            if claims["iss"] != self._settings.token_issuer or claims["sub"] != person["sub"]:
                raise SignInRefused("token-refused")
            tokens = Tokens(access, float(claims["exp"]), told.get("refresh_token"), id_token)
            return SignedIn(str(person["sub"]), str(person.get("name") or person["sub"]), Rights.of(claims), tokens)
        except (KeyError, TypeError, ValueError, JoseError, InvalidToken) as error:
            log.warning("issuer.token_refused", error=error)
            raise SignInRefused("token-refused") from None

    async def _id_claims(self, token: str, *, nonce: str | None, access: str, expired: bool) -> Mapping[str, Any]:
        """The claims of an ID token after every check of OpenID Connect Core 3.1.3.7."""
        header, claims = await self._verified(token, types={"", "jwt"})
        options: Any = {
            "iss": {"essential": True, "value": self._settings.token_issuer},
            "aud": {"essential": True, "value": self._settings.client_id},
            **{name: {"essential": True} for name in ("sub", "exp", "iat")},
        }
        params = {"client_id": self._settings.client_id, "access_token": access if not expired else None}
        checked = CodeIDToken(claims, header, options, params | ({} if nonce is None else {"nonce": nonce}))
        now = int(time.time()) if not expired else int(float(claims["iat"]))
        checked.validate(now=now, leeway=LEEWAY_SECONDS)  # type: ignore[no-untyped-call]
        if not isinstance(claims["sub"], str) or claims["exp"] - claims["iat"] > _LONGEST_VALIDITY_SECONDS:
            raise ValueError("a claim has the wrong form")
        return claims

    async def _verified(self, token: str, *, types: set[str]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Header and claims of a token that one of the issuer's keys has signed."""
        if len(token) > _LONGEST_TOKEN:
            raise ValueError("the token is too long")
        header = dict(jws.extract_compact(token.encode("ascii")).headers())
        if header.get("alg") not in ALGORITHMS or str(header.get("typ", "")).lower() not in types:
            raise ValueError("the token has the wrong type or algorithm")
        await self._configuration()
        assert self._ring is not None
        try:
            keys = await self._ring.keys_for(header.get("kid"))
        except Unavailable:
            raise IssuerAway from None
        claims = jwt.decode(token, keys, algorithms=list(ALGORITHMS)).claims
        return header, dict(claims)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
