# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose the app of a preview, and the previews whose branch was deleted. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from ...module_utils._core.errors import ShippingError
from .shipping_file import FILE_NAME, Environment, Previews, ShippingFile

ENVIRONMENT = "preview"
# That of an app, and of a namespace of Kubernetes.
_LONGEST, _HASH = 40, 6


def preview_name(branch: str) -> str:
    """Return the name of the preview of a branch: lowercase letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", _plain(branch).lower()).strip("-")


def preview_app(app: str, name: str) -> str:
    """Return the name of the app of a preview; a long one ends with a hash of the name."""
    full = f"{app}-{name}"
    if len(full) <= _LONGEST:
        return full
    ending = hashlib.sha256(full.encode()).hexdigest()[:_HASH]
    return f"{full[: _LONGEST - _HASH - 1].rstrip('-_')}-{ending}"


def preview_environment(content: ShippingFile, branch: str, name: str) -> Environment:
    """Return the environment of the preview of a branch; raise ShippingError if it has none.

    ``name`` is that of the preview, such as ``mr-17``; empty for that of the branch.
    """
    branch = _plain(branch)
    previews = _allowed(content, branch)
    name = name or preview_name(branch)
    if not name or name != preview_name(name):
        raise ShippingError(
            "the preview cannot be deployed",
            f"{name or branch!r} is not a name of lowercase letters, digits and hyphens",
            "Set preview to such a name, such as mr-17",
        )
    return Environment(
        ENVIRONMENT,
        branch,
        previews.hosts,
        preview_app(previews.app, name),
        previews.platform,
        {**previews.values, "PREVIEW": name},
    )


def removing_environment(content: ShippingFile) -> Environment:
    """Return where previews are removed; raise ShippingError if the file has none."""
    previews = _declared(content, "the previews cannot be removed")
    return Environment(ENVIRONMENT, "", previews.hosts, previews.app, previews.platform)


def removable_previews(
    apps: Iterable[Mapping[str, Any]], of: str, branches: Collection[str]
) -> list[str]:
    """Return the previews of an app whose branch does not exist any more."""
    return sorted(entry["app"] for entry in _previews_of(apps, of) if not _lives(entry, branches))


def check_limit(
    apps: Iterable[Mapping[str, Any]],
    environment: Environment,
    content: ShippingFile,
    branches: Collection[str],
) -> None:
    """Raise ShippingError if the name is in use, or if a new preview is one too many."""
    apps, of = list(apps), content.app
    limit = content.previews.limit if content.previews else 0
    for entry in apps:
        if entry["app"] == environment.app and not _is_own(entry, environment, of):
            user = f"the branch {entry['branch']}" if entry["preview_of"] else "an app"
            raise ShippingError(
                f"the preview {environment.app} cannot be deployed",
                f"{user} has the name already",
                "Set preview to another name",
            )
    others = sorted(
        entry["app"]
        for entry in _previews_of(apps, of)
        if _lives(entry, branches) and entry["app"] != environment.app
    )
    if len(others) >= limit:
        raise ShippingError(
            f"the preview {environment.app} cannot be deployed",
            f"{FILE_NAME} allows {limit} previews, and {', '.join(others)} exist",
            "Delete a branch that is merged, or raise limit",
        )


def _allowed(content: ShippingFile, branch: str) -> Previews:
    """Return the previews; raise ShippingError if they exclude the branch."""
    previews = _declared(content, f"the branch {branch} has no preview")
    taken = [entry.name for entry in content.environments if entry.branch == branch]
    if taken:
        raise ShippingError(
            f"the branch {branch} has no preview",
            f"it is the branch of the environment {taken[0]}",
            "Deploy it with the playbook shipping.code.ship",
        )
    if not any(fnmatchcase(branch, pattern) for pattern in previews.branches):
        raise ShippingError(
            f"the branch {branch} has no preview",
            f"previews of {FILE_NAME} are for {', '.join(previews.branches)}",
            "Rename the branch, or add it to branches",
        )
    return previews


def _declared(content: ShippingFile, problem: str) -> Previews:
    if content.previews is None:
        raise ShippingError(
            problem, f"{FILE_NAME} has no key previews", f"Add previews to {FILE_NAME}"
        )
    return content.previews


def _plain(branch: str) -> str:
    return branch.removeprefix("refs/heads/")


def _previews_of(apps: Iterable[Mapping[str, Any]], of: str) -> list[Mapping[str, Any]]:
    return [entry for entry in apps if entry["preview_of"] == of]


def _lives(entry: Mapping[str, Any], branches: Collection[str]) -> bool:
    return entry["branch"] in branches


def _is_own(entry: Mapping[str, Any], environment: Environment, of: str) -> bool:
    return (entry["preview_of"], entry["branch"]) == (of, environment.branch)
