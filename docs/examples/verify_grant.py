"""Verifies the grant of a packet without asking anybody: python verify_grant.py KEYS.json ORGANIZATION_ID < grant

KEYS.json is the answer of `GET /v1/grants/keys`, ORGANIZATION_ID the organisation that holds the grant. It needs the
package joserfc. Whether the grant was withdrawn meanwhile is known only to `POST /v1/grants/check`.
"""

import json
import sys
from pathlib import Path

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

keys = KeySet.import_key_set(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
try:
    grant = jwt.decode(sys.stdin.read().strip(), keys, registry=jws.JWSRegistry(algorithms=["Ed25519"]))
    if grant.header.get("typ") != "grant+jwt":
        raise ValueError("another kind of token")
    jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": "urn:enlace:registration"},
        aud={"essential": True, "value": sys.argv[2]},
        exp={"essential": True},
    ).validate(grant.claims)
except (JoseError, ValueError) as error:
    sys.exit(print(f"refused: {error}") or 1)
print("valid for", *grant.claims["purposes"], "with", *grant.claims["fields"])
