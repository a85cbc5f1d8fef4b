# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide whether a commit may be deployed: the older never wins, in whichever order jobs run. Pure.

The history of the app has what was deployed, git has how commits are related. A commit that was
deployed and does not serve any more, although what serves is older, was rolled back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ...module_utils._core.errors import ShippingError

LIVE, PENDING = "live", "pending"
_SHOWN = 12


class Relation(Enum):
    """The relation of the commit to deploy to another one, by git."""

    SAME = "same"
    DESCENDANT = "descendant"
    ANCESTOR = "ancestor"
    DIVERGED = "diverged"
    UNRELATED = "unrelated"
    MISSING = "missing"
    SHALLOW = "shallow"
    """Unknown, because the clone has only a part of the history."""


@dataclass(frozen=True)
class PastRelease:
    """One release of the app's history; ``commit`` is empty if it was deployed without one."""

    number: int
    outcome: str
    commit: str = ""
    rollback_of: int | None = None


@dataclass(frozen=True)
class Permissions:
    """Permissions of the user: to deploy again what failed or was rolled back; what is older."""

    retry: bool = False
    allow_older: bool = False


def past_releases(history: Iterable[Mapping[str, Any]]) -> list[PastRelease]:
    """Return the history of ``release_info``, with the commits that rollbacks restored."""
    releases = {
        int(entry["number"]): PastRelease(
            int(entry["number"]),
            str(entry["outcome"]),
            str(entry.get("commit") or ""),
            entry.get("rollback_of"),
        )
        for entry in history
    }
    return [_with_restored_commit(release, releases) for release in releases.values()]


def _with_restored_commit(release: PastRelease, releases: Mapping[int, PastRelease]) -> PastRelease:
    if release.rollback_of is None:
        return release
    restored = releases.get(release.rollback_of)
    # A rollback of a rollback: numbers only fall, so this ends.
    commit = _with_restored_commit(restored, releases).commit if restored else ""
    return PastRelease(release.number, release.outcome, commit, release.rollback_of)


def newest_with_commit(releases: Iterable[PastRelease], outcome: str) -> PastRelease | None:
    """Return the newest release of an outcome that has a commit."""
    found = [release for release in releases if release.outcome == outcome and release.commit]
    return max(found, key=lambda release: release.number, default=None)


def commits_to_compare(releases: Sequence[PastRelease]) -> list[str]:
    """Return the commits whose relation decides: what serves, and what is being deployed."""
    found = (newest_with_commit(releases, outcome) for outcome in (LIVE, PENDING))
    return list(dict.fromkeys(release.commit for release in found if release))


def check_order(
    commit: str,
    releases: Sequence[PastRelease],
    relations: Mapping[str, Relation],
    permissions: Permissions,
) -> None:
    """Raise ShippingError if the commit may not be deployed after those of the history.

    ``relations`` has the relation of ``commit`` to each of :func:`commits_to_compare`.
    """
    for other in commits_to_compare(releases):
        _check_relation(commit, other, relations[other], permissions)
    if not permissions.retry:
        _check_not_tried(commit, releases, relations)


def _check_relation(commit: str, other: str, relation: Relation, permissions: Permissions) -> None:
    if relation in (Relation.SAME, Relation.DESCENDANT):
        return
    if relation is Relation.ANCESTOR and permissions.allow_older:
        return
    cause, hint = _REJECTED[relation]
    raise ShippingError(
        f"commit {commit[:_SHOWN]} is not deployed",
        cause.format(other[:_SHOWN]),
        hint,
        reason=relation.value,
        commit=commit,
        deployed_commit=other,
    )


_NEW_HISTORY = (
    "Merge the deployed commit; if the history was rewritten on purpose, deploy the new one once"
    " with shipping.code.deploy and its commit"
)
_REJECTED: dict[Relation, tuple[str, str]] = {
    Relation.ANCESTOR: (
        "it is older than the deployed commit {}",
        "Set allow_older to deploy it anyway",
    ),
    Relation.DIVERGED: (
        "it does not contain the deployed commit {}, as after a forced push",
        _NEW_HISTORY,
    ),
    Relation.UNRELATED: (
        "its history has no commit in common with the deployed commit {}",
        _NEW_HISTORY,
    ),
    Relation.MISSING: (
        "the repository does not have the deployed commit {}, as after a forced push",
        _NEW_HISTORY,
    ),
    Relation.SHALLOW: (
        "the clone is shallow and cannot be deepened, so its relation to the deployed commit {} is"
        " unknown",
        "Clone with the whole history, such as fetch-depth: 0 or GIT_DEPTH: 0",
    ),
}


def _check_not_tried(
    commit: str, releases: Sequence[PastRelease], relations: Mapping[str, Relation]
) -> None:
    """Reject a commit that failed, or that was live and was replaced by an older one."""
    tried = [release for release in releases if release.commit == commit]
    last = max(tried, key=lambda release: release.number, default=None)
    if last is None or last.outcome == PENDING:
        return
    if last.outcome != LIVE:
        raise _tried(commit, f"release {last.number} of it failed", last)
    serving = newest_with_commit(releases, LIVE)
    if serving and serving.commit != commit and relations[serving.commit] is Relation.DESCENDANT:
        raise _tried(commit, f"release {last.number} of it was rolled back", last)


def _tried(commit: str, cause: str, release: PastRelease) -> ShippingError:
    return ShippingError(
        f"commit {commit[:_SHOWN]} is not deployed again",
        cause,
        "Push a correction, or set retry to deploy it again",
        reason="tried",
        commit=commit,
        release=release.number,
    )
