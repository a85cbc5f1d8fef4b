# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the options of the webhook; all mistakes are reported at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...module_utils._core.errors import Problem, ShippingError, SpecError, os_words, unknown_names
from .push_requests import UNKNOWN, Push, RejectedRequest

_ORIGIN = "the arguments of the event source"
_TEXTS = ("host", "secret_file", "certfile", "keyfile")
OPTIONS = (*_TEXTS, "port", "repositories", "branches")
DEFAULT_HOST = "127.0.0.1"


@dataclass(frozen=True)
class WebhookOptions:
    """The address of the webhook, and the pushes that it takes."""

    host: str
    port: int
    secret_file: str
    repositories: Mapping[str, str]
    branches: frozenset[str]
    certfile: str = ""
    keyfile: str = ""

    def secret(self) -> str:
        """Return the current secret of the file; raise ShippingError."""
        what = f"secret_file {self.secret_file} cannot be read"
        try:
            text = Path(self.secret_file).read_text(encoding="utf-8").strip("\r\n")
        except OSError as error:
            raise ShippingError(what, os_words(error), "Correct the path or its rights") from None
        # From None: this error holds the bytes that it could not decode, which are the secret.
        except UnicodeDecodeError:
            why = "it is not UTF-8 text"
            raise ShippingError(what, why, "Write only the secret into it") from None
        if not text:
            raise ShippingError(what, "it is empty", "Write the secret of the webhook into it")
        return text

    def event(self, push: Push) -> dict[str, Any] | None:
        """Return the event of a push; None for another branch. Raise RejectedRequest."""
        if push.project not in self.repositories:
            raise RejectedRequest(
                UNKNOWN,
                f"{push.project} is not in repositories",
                "Add it to the options of the event source, or remove the webhook",
            )
        if push.branch not in self.branches:
            return None
        return {
            "type": "push",
            "project": push.project,
            "repository": self.repositories[push.project],
            "branch": push.branch,
            "commit": push.commit,
        }


def read(args: Mapping[str, Any]) -> WebhookOptions:
    """Return the options in the arguments of the source; raise SpecError."""
    given = {name: value for name, value in args.items() if value is not None}
    problems = unknown_names(given, OPTIONS)
    problems += [
        Problem(name, "is not a text")
        for name in _TEXTS
        if not isinstance(given.get(name, ""), str)
    ]
    problems += [*_required(given), *_pair(given)]
    if problems:
        raise SpecError(problems, _ORIGIN)
    paths = {
        name: os.path.expanduser(given[name])
        for name in ("secret_file", "certfile", "keyfile")
        if name in given
    }
    return WebhookOptions(
        host=given.get("host", DEFAULT_HOST),
        port=given["port"],
        repositories=given["repositories"],
        branches=frozenset(given["branches"]),
        **paths,
    )


def _required(given: Mapping[str, Any]) -> list[Problem]:
    """Return what is missing or of another type."""
    port, repositories, branches = (
        given.get(name) for name in ("port", "repositories", "branches")
    )
    is_port = isinstance(port, int) and not isinstance(port, bool) and 0 < port < 65536
    needs = {
        "secret_file": (
            bool(given.get("secret_file")),
            "is missing; write the path of a file with the secret",
        ),
        "port": (is_port, "is not a number from 1 to 65535"),
        "repositories": (
            isinstance(repositories, Mapping)
            and _has_texts([*repositories, *repositories.values()]),
            "is not a mapping of full names to paths or URLs, such as team/shop: /srv/git/shop.git",
        ),
        "branches": (
            isinstance(branches, list) and _has_texts(branches),
            "is not a list of branches",
        ),
    }
    return [Problem(name, text) for name, (is_right, text) in needs.items() if not is_right]


def _has_texts(values: list[Any]) -> bool:
    """Return whether there are values, and all are texts with content."""
    return bool(values) and all(isinstance(value, str) and value for value in values)


def _pair(given: Mapping[str, Any]) -> list[Problem]:
    if ("certfile" in given) == ("keyfile" in given):
        return []
    return [Problem("keyfile", "is only used with certfile; write both or none")]
