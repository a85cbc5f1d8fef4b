# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The older never wins, in whichever order jobs run."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import ShippingError
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.ancestry import (
    Permissions,
    Relation,
    check_order,
    commits_to_compare,
    past_releases,
)

OLD, NEW, FIX, SIDE = (letter * 40 for letter in "abcd")
ORDER = [OLD, NEW, FIX]


def relation(commit: str, other: str) -> Relation:
    """OLD, NEW and FIX are one line; SIDE is on another one."""
    if commit == other:
        return Relation.SAME
    if SIDE in (commit, other):
        return Relation.DIVERGED
    is_newer = ORDER.index(commit) > ORDER.index(other)
    return Relation.DESCENDANT if is_newer else Relation.ANCESTOR


def history(*entries: tuple[str, str] | tuple[str, str, int]) -> list[dict[str, Any]]:
    """Commit, outcome, and the number that a release rolled back to; the oldest first."""
    return [
        {
            "number": number,
            "commit": entry[0],
            "outcome": entry[1],
            "rollback_of": entry[2] if len(entry) > 2 else None,
        }
        for number, entry in enumerate(entries, start=1)
    ][::-1]


ROLLED_BACK_BY_USER = history((OLD, "live"), (NEW, "live"), ("", "live", 1))
# Name -> history, commit, permissions, and what the error says; empty where it may be deployed.
CASES: dict[str, tuple[list[dict[str, Any]], str, dict[str, bool], str]] = {
    "first": ([], OLD, {}, ""),
    "deployed by hand before, without a commit": (history(("", "live")), OLD, {}, ""),
    "newer": (history((OLD, "live")), NEW, {}, ""),
    "again": (history((OLD, "live"), (NEW, "live")), NEW, {}, ""),
    "older": (history((NEW, "live")), OLD, {}, "it is older than the deployed commit bbb"),
    "older, permitted": (history((NEW, "live")), OLD, {"allow_older": True}, ""),
    "older, with another permission": (history((NEW, "live")), OLD, {"retry": True}, "is older"),
    "older, and one by hand in between": (history((NEW, "live"), ("", "live")), OLD, {}, "older"),
    "older than one that is being deployed": (
        history((OLD, "live"), (FIX, "pending")),
        NEW,
        {},
        "is older than the deployed commit ccc",
    ),
    "newer than one that is being deployed": (
        history((OLD, "live"), (NEW, "pending")),
        FIX,
        {},
        "",
    ),
    "killed, and again": (history((OLD, "live"), (NEW, "pending")), NEW, {}, ""),
    "failed": (history((OLD, "live"), (NEW, "failed")), NEW, {}, "release 2 of it failed"),
    "rolled back by the platform": (
        history((OLD, "live"), (NEW, "rolled_back")),
        NEW,
        {},
        "set retry",
    ),
    "failed, permitted": (history((OLD, "live"), (NEW, "failed")), NEW, {"retry": True}, ""),
    "failed, then live": (history((NEW, "failed"), (NEW, "live")), NEW, {}, ""),
    "a correction of a failed one": (history((OLD, "live"), (NEW, "failed")), FIX, {}, ""),
    "rolled back by a user": (ROLLED_BACK_BY_USER, NEW, {}, "release 2 of it was rolled back"),
    "rolled back by a user, permitted": (ROLLED_BACK_BY_USER, NEW, {"retry": True}, ""),
    "what a user rolled back to": (ROLLED_BACK_BY_USER, OLD, {}, ""),
    "a correction of what was rolled back": (ROLLED_BACK_BY_USER, FIX, {}, ""),
    "replaced by an older one on purpose": (
        history((NEW, "live"), (OLD, "live")),
        NEW,
        {},
        "was rolled back",
    ),
    "a forced push": (history((NEW, "live")), SIDE, {}, "does not contain the deployed commit bbb"),
    "a forced push, with permissions for others": (
        history((NEW, "live")),
        SIDE,
        {"retry": True, "allow_older": True},
        "does not contain",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_order(case: str) -> None:
    given, commit, permissions, says = CASES[case]
    releases = past_releases(given)
    relations = {other: relation(commit, other) for other in commits_to_compare(releases)}
    if not says:
        check_order(commit, releases, relations, Permissions(**permissions))
        return
    with pytest.raises(ShippingError) as caught:
        check_order(commit, releases, relations, Permissions(**permissions))
    assert says in str(caught.value)
    assert caught.value.hint and caught.value.facts["commit"] == commit


@pytest.mark.parametrize("allow_older", [False, True])
@pytest.mark.parametrize("given", [Relation.SHALLOW, Relation.MISSING, Relation.UNRELATED])
def test_what_git_does_not_know_is_an_error(given: Relation, allow_older: bool) -> None:
    releases = past_releases(history((OLD, "live")))
    with pytest.raises(ShippingError) as caught:
        check_order(NEW, releases, {OLD: given}, Permissions(allow_older=allow_older))
    assert caught.value.facts["reason"] == given.value and OLD[:12] in str(caught.value)


def test_a_rollback_of_a_rollback_has_its_commit() -> None:
    given = history((OLD, "live"), (NEW, "live"), ("", "live", 1), ("", "live", 3))
    assert commits_to_compare(past_releases(given)) == [OLD]
