"""The grants with which people get tokens: OpenID Connect code flow with PKCE, refresh with rotation, and sign-out."""

from __future__ import annotations

import secrets
from typing import Any

from authlib.oauth2.rfc6749 import InvalidRequestError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, BaseGrant, RefreshTokenGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import OpenIDCode
from authlib.oidc.rpinitiated import EndSessionEndpoint, EndSessionRequest
from joserfc.jwk import KeySet

from deploy.local.console_client import ConsoleClient
from deploy.local.oauth_server import IssuerServer
from deploy.local.people import PeopleBook
from deploy.local.person import Person
from deploy.local.sign_ins import Code, SignIn, SignIns, digest
from deploy.local.tokens import ALGORITHM, AccessTokens


class _S256Challenge(CodeChallenge):
    """PKCE is required, with S256: Authlib itself requires it of public clients only, and also takes `plain`."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        fields = grant.request.payload.data
        if not fields.get("code_challenge") or fields.get("code_challenge_method") != "S256":
            raise InvalidRequestError("PKCE is required: code_challenge with code_challenge_method S256")  # type: ignore[no-untyped-call]
        super().validate_code_challenge(grant, redirect_uri)  # type: ignore[no-untyped-call]


class _IdToken(OpenIDCode):
    """ID tokens: iss, sub, aud, exp, iat, auth_time, sid, name, and the nonce of the request."""

    def __init__(self, tokens: AccessTokens) -> None:
        super().__init__(require_nonce=True)  # type: ignore[no-untyped-call]
        self._tokens = tokens

    def exists_nonce(self, nonce: str, request: Any) -> bool:
        """Never: the client compares the nonce with its own. A form that is sent twice by a double click may pass."""
        return False

    def resolve_client_private_key(self, client: Any) -> KeySet:
        return self._tokens.get_jwks()

    def get_client_algorithm(self, client: Any) -> str:
        return ALGORITHM

    def get_client_claims(self, client: ConsoleClient) -> dict[str, Any]:
        return {"iss": self._tokens.issuer, "aud": client.get_client_id()}

    def get_compatible_claims(self, request: Any) -> dict[str, Any]:
        """The claims of the first and of every later ID token; the nonce is only in the first (OIDC Core, 12.2)."""
        sign_in: Code | SignIn = request.authorization_code or request.refresh_token
        claims: dict[str, Any] = super().get_compatible_claims(request)
        return claims | {"auth_time": sign_in.auth_time, "sid": sign_in.sid}

    def generate_user_info(self, user: Person, scope: str) -> dict[str, str]:
        return {"sub": user.subject, "name": user.name}


class _GrantOfPeople(BaseGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]

    def generate_token(
        self,
        user: Any = None,
        scope: Any = None,
        grant_type: Any = None,
        expires_in: Any = None,
        include_refresh_token: Any = True,
    ) -> Any:
        """A token with the scopes that the person's roles give at this moment."""
        return super().generate_token(user, user.granted(scope), grant_type, expires_in, include_refresh_token)  # type: ignore[no-untyped-call]


def register_people(server: IssuerServer, people: PeopleBook, sign_ins: SignIns) -> None:
    """Let people sign in at this server."""
    id_token = _IdToken(server.tokens)
    server.register_grant(_code_grant(people, sign_ins), [_S256Challenge(), id_token])  # type: ignore[no-untyped-call]
    server.register_grant(_refresh_grant(people, sign_ins), [id_token])  # type: ignore[no-untyped-call]
    server.register_endpoint(_end_session(server.tokens, sign_ins))


def _code_grant(people: PeopleBook, sign_ins: SignIns) -> type[AuthorizationCodeGrant]:
    """Authlib makes one object of the class for each request, so the class knows the people and sign-ins."""

    class Grant(_GrantOfPeople, AuthorizationCodeGrant):
        def save_authorization_code(self, code: str, request: Any) -> None:
            fields = request.payload.data
            sign_ins.keep(
                Code(
                    digest=digest(code),
                    sid=secrets.token_urlsafe(16),
                    client_id=request.client.get_client_id(),
                    redirect_uri=request.payload.redirect_uri,
                    subject=request.user.subject,
                    asked=request.scope,
                    nonce=fields["nonce"],
                    code_challenge=fields["code_challenge"],
                    code_challenge_method=fields["code_challenge_method"],
                    auth_time=int(sign_ins.now()),
                )
            )

        def query_authorization_code(self, code: str, client: ConsoleClient) -> Code | None:
            return sign_ins.code(code, client.get_client_id())

        def authenticate_user(self, authorization_code: Code) -> Person | None:
            return people.find(authorization_code.subject)

        def save_token(self, token: dict[str, Any]) -> None:
            request: Any = self.request
            sign_ins.open(request.authorization_code, token["refresh_token"])

        def delete_authorization_code(self, authorization_code: Code) -> None:
            """`save_token` has marked it as used. It is kept, so that a second use is recognised."""

    return Grant


def _refresh_grant(people: PeopleBook, sign_ins: SignIns) -> type[RefreshTokenGrant]:
    class Grant(_GrantOfPeople, RefreshTokenGrant):
        INCLUDE_NEW_REFRESH_TOKEN = True

        def authenticate_refresh_token(self, refresh_token: str) -> SignIn | None:
            sign_in = sign_ins.of_refresh_token(refresh_token)
            if sign_in is not None and people.find(sign_in.subject) is None:
                sign_ins.end(sign_in.sid)
                return None
            return sign_in

        def authenticate_user(self, refresh_token: SignIn) -> Person | None:
            return people.find(refresh_token.subject)

        def save_token(self, token: dict[str, Any]) -> None:
            request: Any = self.request
            sign_ins.replace(request.refresh_token, token["refresh_token"])

        def revoke_old_credential(self, refresh_token: SignIn) -> None:
            """`save_token` has replaced it."""

    return Grant


def _end_session(tokens: AccessTokens, sign_ins: SignIns) -> type[EndSessionEndpoint]:
    class SignOut(EndSessionEndpoint):
        def get_server_jwks(self) -> KeySet:
            return tokens.get_jwks()

        def get_algorithms(self) -> list[str]:
            return [ALGORITHM]

        def end_session(self, end_session_request: EndSessionRequest) -> None:
            sign_ins.end((end_session_request.id_token_claims or {}).get("sid", ""))

    return SignOut
