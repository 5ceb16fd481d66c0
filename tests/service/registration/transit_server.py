"""A small server with the transit engine's HTTP API, as OpenBao and HashiCorp Vault document it.

It covers what registration uses: keys with versions, `rotate`, `config` with `min_decryption_version`, `encrypt`,
`decrypt` and `rewrap` in batches, tokens, and the forms of their errors. Item errors of `decrypt` make the whole answer
a 400 that still has results; those of `rewrap` do not. `rewrap` takes no associated data.

    ENLACE_TEST_TRANSIT_URL=http://127.0.0.1:8200/v1/transit ENLACE_TEST_TRANSIT_TOKEN=… pytest …/test_key_manager*.py

run the same tests on a real server (`bao server -dev`, then `bao secrets enable transit`).
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TOO_OLD = "ciphertext or signature version is disallowed by policy (too old)"
Answer = tuple[int, dict[str, Any]]


@dataclass
class Key:
    versions: list[AESGCM] = field(default_factory=lambda: [AESGCM(os.urandom(32))])
    least: int = 1

    def encrypt(self, plain: bytes) -> dict[str, Any]:
        nonce, version = os.urandom(12), len(self.versions)
        sealed = base64.b64encode(nonce + self.versions[-1].encrypt(nonce, plain, None)).decode()
        return {"ciphertext": f"vault:v{version}:{sealed}", "key_version": version}

    def decrypt(self, ciphertext: str) -> bytes:
        if not ciphertext.startswith("vault:v"):
            raise ValueError("invalid ciphertext: no prefix")
        version, _, sealed = ciphertext[len("vault:v") :].partition(":")
        if not version.isdigit() or not sealed:
            raise ValueError("invalid ciphertext: wrong number of fields")
        if int(version) > len(self.versions):
            raise ValueError("invalid ciphertext: version is too new")
        if int(version) < self.least:
            raise ValueError(TOO_OLD)
        try:
            raw = base64.b64decode(sealed, validate=True)
            return self.versions[int(version) - 1].decrypt(raw[:12], raw[12:], None)
        except binascii.Error:
            raise ValueError("invalid ciphertext: could not decode base64") from None
        except InvalidTag:
            raise ValueError("invalid ciphertext: unable to decrypt") from None


class TransitServer:
    """One engine at `/v1/transit` with one token that may do everything."""

    def __init__(self) -> None:
        self.keys: dict[str, Key] = {}
        self.token = "s." + base64.urlsafe_b64encode(os.urandom(18)).decode()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1/transit"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, method: str, path: str, token: str | None, body: dict[str, Any]) -> Answer:
        if token != self.token:
            return 403, {"errors": ["permission denied"]}
        verb, _, rest = path.removeprefix("/v1/transit/").partition("/")
        with self._lock:
            if verb == "keys":
                return self._keys(method, *rest.partition("/")[::2], body)
            key = self.keys.get(rest)
            if method != "POST" or verb not in ("encrypt", "decrypt", "rewrap"):
                return 404, {"errors": []}
            if key is None:
                return 400, {"errors": ["encryption key not found"]}
            return _batch(key, verb, body)

    def _keys(self, method: str, name: str, what: str, body: dict[str, Any]) -> Answer:
        if method == "POST" and not what:
            self.keys.setdefault(name, Key())
        if name not in self.keys:
            return 404, {"errors": []}
        key = self.keys[name]
        if method == "POST" and what == "rotate":
            key.versions.append(AESGCM(os.urandom(32)))
        if method == "POST" and what == "config":
            key.least = int(body.get("min_decryption_version", key.least))
        told = {"name": name, "type": "aes256-gcm96", "latest_version": len(key.versions), "exportable": False}
        return 200, {"data": told | {"min_decryption_version": key.least, "min_encryption_version": 0}}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                body = json.loads(self.rfile.read(length) or b"{}")
                status, told = outer.answer(self.command, self.path, self.headers.get("X-Vault-Token"), body)
                data = json.dumps(told).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = _any  # noqa: N815 (the names of http.server)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def _batch(key: Key, verb: str, body: dict[str, Any]) -> Answer:
    items = body.get("batch_input")
    if not items:
        return 400, {"errors": ["missing batch input to process"]}
    results: list[dict[str, Any]] = []
    for item in items:
        try:
            if verb == "encrypt":
                results.append(key.encrypt(base64.b64decode(item["plaintext"], validate=True)))
            elif verb == "decrypt":
                results.append({"plaintext": base64.b64encode(key.decrypt(item["ciphertext"])).decode()})
            else:
                results.append(key.encrypt(key.decrypt(item["ciphertext"])))
        except ValueError as error:
            results.append({"error": str(error)})
    failed = verb != "rewrap" and any("error" in one for one in results)
    return (400 if failed else 200), {"data": {"batch_results": results}}
