# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validate a host assignment. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._core.errors import Problem, SpecError
from . import checked_names


def check_record(record: Mapping[str, Any]) -> None:
    """Raise SpecError for an invalid host assignment, before anything is changed."""
    problems = [
        Problem(f"record.{key}", "is required, as text")
        for key in ("host", "revision")
        if not isinstance(record.get(key), str)
    ]
    users = record.get("users")
    if not isinstance(users, list):
        problems.append(
            Problem("record.users", "is required, as a list; an empty list removes all tools")
        )
    for number, user in enumerate(users if isinstance(users, list) else []):
        problems += _problems_of_user(f"record.users[{number}]", user)
    if not problems:
        problems += _problems_of_duplicates(users or [])
    if problems:
        raise SpecError(problems, "the host assignment")


def _problems_of_user(path: str, user: Any) -> list[Problem]:
    if not isinstance(user, dict):
        return [Problem(path, "must be a mapping with id, name and projects")]
    problems = [
        Problem(f"{path}.{key}", "is required, as text")
        for key in ("id", "name")
        if not isinstance(user.get(key), str) or not user[key]
    ]
    if not isinstance(user.get("projects"), list) or not all(
        isinstance(name, str) for name in user["projects"]
    ):
        problems.append(Problem(f"{path}.projects", "is required, as a list of strings"))
    return problems


def unusable_logins(record: Mapping[str, Any]) -> list[str]:
    """Return the login names that cannot be the name of a folder; their users get no tools.

    Other users of the workstation are not affected.
    """
    return [user["name"] for user in record["users"] if not checked_names.is_login(user["name"])]


def _problems_of_duplicates(users: Iterable[Mapping[str, Any]]) -> list[Problem]:
    seen: dict[str, set[str]] = {"id": set(), "name": set()}
    problems = []
    for user in users:
        for key, values in seen.items():
            if user[key] in values:
                problems.append(Problem("record.users", f"two users have the {key} {user[key]}"))
            values.add(user[key])
    return problems
