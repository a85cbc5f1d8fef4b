# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A forge that keeps the statuses of commits: a strict stand-in, in HTTP.

No GitHub, GitLab, Gitea or Forgejo runs here. The stand-in takes only the fields and values that
the published descriptions of their APIs have, and needs the header of the login that each reads.
"""

from __future__ import annotations

import http.server
import json
import re
import threading
from typing import Any
from urllib.parse import unquote

TOKEN = "open-sesame-42"  # noqa: S105 - of the stand-in
# Type -> path before the project, its quoting, header, fields, states.
SCHEMAS: dict[str, tuple[str, bool, tuple[str, str], set[str], set[str]]] = {
    "github": (
        "/repos/",
        False,
        ("Authorization", f"Bearer {TOKEN}"),
        {"state", "target_url", "description", "context"},
        {"error", "failure", "pending", "success"},
    ),
    "gitea": (
        "/api/v1/repos/",
        False,
        ("Authorization", f"token {TOKEN}"),
        {"state", "target_url", "description", "context"},
        {"pending", "success", "error", "failure", "warning"},
    ),
    "gitlab": (
        "/api/v4/projects/",
        True,
        ("PRIVATE-TOKEN", TOKEN),
        {
            *("state", "ref", "name", "context", "target_url", "description"),
            *("coverage", "pipeline_id"),
        },
        {"pending", "running", "success", "failed", "canceled", "skipped"},
    ),
}
SCHEMAS["forgejo"] = SCHEMAS["gitea"]


class Forge(http.server.ThreadingHTTPServer):
    """A forge of a type with the project shop/web; it keeps the statuses of its commits."""

    def __init__(self, kind: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.schema = SCHEMAS[kind]
        self.kind = kind
        self.statuses: list[dict[str, str]] = []
        self.redirects = False
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self.shutdown()
        self.server_close()

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answer(self, path: str, headers: Any, body: dict[str, str]) -> tuple[int, str]:
        """Return the status of an answer, and its message."""
        prefix, is_quoted, (name, value), _fields, _states = self.schema
        if self.redirects:
            return 302, ""
        if headers.get(name) != value:
            return 401, "Bad credentials"
        project = "shop%2Fweb" if is_quoted else "shop/web"
        if not re.fullmatch(rf"{prefix}{project}/statuses/[0-9a-f]{{40}}", path):
            return 404, f"Not Found: {unquote(path)}"
        if problem := self._problem(body):
            return 422, problem
        if self.kind == "gitlab" and self._last_state(body) == body["state"] == "running":
            return 400, "Cannot transition status via :run from :running (Reason(s): …)"
        self.statuses.append({**body, "commit": path[-40:]})
        return 201, ""

    def _problem(self, body: dict[str, str]) -> str:
        """Return what the schema does not have."""
        *_path, fields, states = self.schema
        if not body.keys() <= fields or body.get("state") not in states:
            return f"not in the schema: {body}"
        is_long = len(body.get("description", "")) > (255 if self.kind == "gitlab" else 140)
        return "description is too long (maximum is 140 characters)" if is_long else ""

    def _last_state(self, body: dict[str, str]) -> str:
        states = [status["state"] for status in self.statuses if status["name"] == body["name"]]
        return states[-1] if states else ""


class Handler(http.server.BaseHTTPRequestHandler):
    """Read a request and write its answer."""

    server: Forge

    def log_message(self, *_words: Any) -> None:
        """Print nothing."""

    def do_POST(self) -> None:
        """Take a status."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        code, message = self.server.answer(self.path, self.headers, body)
        content = json.dumps({"message": message}).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(content)))
        if code == 302:
            self.send_header("Location", f"{self.server.url}/elsewhere")
        self.end_headers()
        self.wfile.write(content)
