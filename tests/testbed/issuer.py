# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small identity provider by OpenID Connect, in place of a company's own.

It has discovery, keys, and new tokens for refresh tokens.
It runs in a machine of the test bed: ``python3 -m tests.testbed.issuer ADDRESS CERTIFICATE KEY
SIGNING_KEY``. https://openid.net/specs/openid-connect-discovery-1_0.html, RFC 7519 (JWT), RFC 7517
(JWK), RFC 6749 6 (refresh)
"""

from __future__ import annotations

import base64
import json
import ssl
import subprocess
import sys
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from .directory_servers import wait_for
from .machine import Machine, run
from .tls import Authority

PORT = 5556
CLIENT, SECRET, REFRESH = "shipping", "client secret", "may-come-again"
_ROOT = Path(__file__).resolve().parents[2]


class Issuer:
    """The provider in a machine, whose certificate is of an authority of the machine's."""

    name = "issuer"

    def __init__(self, machine: Machine, authority: Authority) -> None:
        self.machine = machine
        self.authority = authority

    @property
    def url(self) -> str:
        """Return the issuer."""
        return f"https://{self.machine.address}:{PORT}"

    def up(self) -> None:
        """Start it."""
        certificate, key = self.authority.issue(self.name, f"IP:{self.machine.address}")
        self.machine.start(
            self.name,
            f"env PYTHONPATH={_ROOT} {sys.executable} -m tests.testbed.issuer"
            f" {self.machine.address} {certificate} {key} {self._signing}",
            isolated=False,
        )
        wait_for(self.machine, self.name, PORT)

    def token(self, user: str, seconds: float) -> str:
        """Return an ID token of a user, for so long."""
        return token(self.url, self._signing, user, seconds)

    def provider(self, id_token: str, refresh_token: str = REFRESH) -> dict[str, Any]:
        """Return the user of a kubeconfig who logs in here."""
        config = {
            "client-id": CLIENT,
            "client-secret": SECRET,
            "id-token": id_token,
            "refresh-token": refresh_token,
            "idp-issuer-url": self.url,
            "idp-certificate-authority-data": (
                base64.b64encode(self.authority.certificate.read_bytes()).decode()
            ),
        }
        return {"auth-provider": {"name": "oidc", "config": config}}

    @property
    def _signing(self) -> Path:
        path = self.authority.folder / f"{self.name}-signing.pem"
        if not path.exists():
            run("openssl", "genrsa", "-out", path, "2048")
        return path


def token(issuer: str, signing: Path, user: str, seconds: float) -> str:
    """Return a signed JWT."""
    now = int(time.time())
    claims = {"iss": issuer, "aud": CLIENT, "sub": user, "iat": now, "exp": int(now + seconds)}
    head = ".".join(
        _packed(json.dumps(part).encode())
        for part in ({"alg": "RS256", "kid": "1", "typ": "JWT"}, claims)
    )
    signed = subprocess.run(
        ["openssl", "dgst", "-sha256", "-sign", str(signing)],
        input=head.encode(),
        capture_output=True,
        check=True,
    )
    return f"{head}.{_packed(signed.stdout)}"


def _packed(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _public(signing: Path) -> dict[str, str]:
    """Return the public half of a key; its exponent is 65537."""
    modulus = (
        run("openssl", "rsa", "-in", signing, "-noout", "-modulus").strip().removeprefix("Modulus=")
    )
    return {
        "kty": "RSA",
        "alg": "RS256",
        "use": "sig",
        "kid": "1",
        "n": _packed(bytes.fromhex(modulus)),
        "e": "AQAB",
    }


def serve(address: str, certificate: str, key: str, signing: Path) -> None:
    """Answer until the end."""
    url = f"https://{address}:{PORT}"
    answers = {
        "/.well-known/openid-configuration": {
            "issuer": url,
            "jwks_uri": f"{url}/keys",
            "token_endpoint": f"{url}/token",
            "authorization_endpoint": f"{url}/none",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        },
        "/keys": {"keys": [_public(signing)]},
    }
    known = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200 if self.path in answers else 404, answers.get(self.path, {}))

        def do_POST(self) -> None:
            form = urllib.parse.parse_qs(
                self.rfile.read(int(self.headers["Content-Length"])).decode()
            )
            if self.headers["Authorization"] != f"Basic {known}" or form.get("refresh_token") != [
                REFRESH
            ]:
                self._answer(
                    400,
                    {"error": "invalid_grant", "error_description": "the refresh token has ended"},
                )
                return
            self._answer(
                200,
                {
                    "access_token": "none",
                    "token_type": "Bearer",
                    "expires_in": 300,
                    "id_token": token(url, signing, "grace", 300),
                },
            )

        def _answer(self, status: int, body: object) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = HTTPServer((address, PORT), Answers)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


if __name__ == "__main__":
    given = sys.argv[1:]
    serve(given[0], given[1], given[2], Path(given[3]))
