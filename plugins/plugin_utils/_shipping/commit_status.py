# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the status of a commit as the request that each forge expects, and read its answer. Pure.

GitHub: https://docs.github.com/en/rest/commits/statuses#create-a-commit-status
GitLab: https://docs.gitlab.com/api/commits/#set-the-pipeline-status-of-a-commit
Gitea and Forgejo, by their own description at /swagger.v1.json: repoCreateStatus
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from ...module_utils._core.errors import ShippingError

DEFAULT_URLS = {"github": "https://api.github.com", "gitlab": "https://gitlab.com"}
TYPES = ("github", "gitlab", "gitea", "forgejo")
STATES = ("pending", "success", "failure")
# GitHub takes no more characters; the others take more.
_DESCRIPTION = 140
# GitLab lets no status pass from pending to its end, and calls a failure otherwise.
_GITLAB_STATES = {"pending": "running", "success": "success", "failure": "failed"}
# Its answer if the commit has the status already, as after a run that was killed.
_GITLAB_UNCHANGED = "Cannot transition status"
# Without TLS only on this host.
_KEEPS_SECRETS = re.compile(r"https:|http://(localhost|127\.0\.0\.1|\[::1\])[:/]")


@dataclass(frozen=True)
class Forge:
    """A project of a forge, and the token to write its statuses with."""

    type: str
    project: str
    token: str = field(repr=False)
    url: str = ""

    @property
    def base_url(self) -> str:
        """Return the address below which the API is."""
        return (self.url or DEFAULT_URLS.get(self.type, "")).rstrip("/")

    def check(self) -> None:
        """Raise ShippingError if no request can be written for it."""
        if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", self.base_url):
            raise ShippingError(
                "url cannot be used",
                f"{self.url!r} is not the address of a forge"
                if self.url
                else f"{self.type} has no default",
                "Write for example https://git.example.com",
            )
        if not _KEEPS_SECRETS.match(f"{self.base_url}/"):
            raise ShippingError(
                "url cannot be used",
                f"{self.base_url} is without TLS, which would show the token to others",
                "Write an address that begins with https:",
            )
        is_path = re.fullmatch(r"[\w.-]+(/[\w.-]+)+|\d+", self.project)
        if not is_path or ".." in self.project:
            raise ShippingError(
                "project cannot be used",
                f"{self.project!r} is not the path of a project",
                "Write for example shop/web",
            )


@dataclass(frozen=True)
class CommitStatus:
    """The status of a commit; ``name`` distinguishes it from those of others."""

    commit: str
    state: str
    name: str
    description: str = ""
    target_url: str = ""
    branch: str = ""


@dataclass(frozen=True)
class StatusRequest:
    """A POST with a JSON body."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: Mapping[str, str]


def request(forge: Forge, status: CommitStatus) -> StatusRequest:
    """Return the request that sets a status."""
    forge.check()
    description = " ".join(status.description.split())
    if len(description) > _DESCRIPTION:
        description = f"{description[: _DESCRIPTION - 1]}…"
    texts = {"description": description, "target_url": status.target_url}
    if forge.type == "gitlab":
        place = f"/api/v4/projects/{quote(forge.project, safe='')}/statuses/{status.commit}"
        texts |= {"name": status.name, "ref": status.branch.removeprefix("refs/heads/")}
        state, headers = _GITLAB_STATES[status.state], {"PRIVATE-TOKEN": forge.token}
    else:
        prefix = "" if forge.type == "github" else "/api/v1"
        place = f"{prefix}/repos/{forge.project}/statuses/{status.commit}"
        texts["context"] = status.name
        scheme = "Bearer" if forge.type == "github" else "token"
        state, headers = status.state, {"Authorization": f"{scheme} {forge.token}"}
    body = {"state": state, **{name: text for name, text in texts.items() if text}}
    return StatusRequest(f"{forge.base_url}{place}", headers, body)


def rejection(forge: Forge, code: int, text: str) -> str:
    """Return why a forge did not take a status; empty if it did."""
    if code in (200, 201):
        return ""
    if code == 400 and forge.type == "gitlab" and _GITLAB_UNCHANGED in text:
        return ""
    if 300 <= code < 400:
        return f"it answered with status {code}, a redirect, which would send the token elsewhere"
    if code == 401:
        return "it rejected the token (status 401)"
    return f"it answered with status {code}{_message(text)}"


def _message(text: str) -> str:
    """Return the message of an answer, in one short line."""
    try:
        answer = json.loads(text)
    except ValueError:
        return ""
    message = answer.get("message") or answer.get("error") if isinstance(answer, dict) else ""
    line = " ".join(str(message or "").split())
    return f": {line[:_DESCRIPTION]}" if line else ""
