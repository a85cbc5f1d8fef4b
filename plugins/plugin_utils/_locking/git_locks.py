# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pin a tag or a branch of a git repository by its commit."""

from __future__ import annotations

from ...module_utils._core.errors import ShippingError
from .._catalog.tool_sources import without_login
from .project_texts import ToolEntry
from .tool_plan import LockSettings, ToolPlan, with_version
from .yaml_edits import Edit

_KEYS = {"tag": "refs/tags/", "branch": "refs/heads/"}


def plan_commit(entry: ToolEntry, settings: LockSettings) -> ToolPlan:
    """Return whether the commit of a tool is missing, or is not that of its tag."""
    plan = ToolPlan(entry)
    details = entry.tool["variants"][0]
    pinned = details.get("commit", "")
    key, _name, _reference = reference_of(entry)
    if details.get("tag") and details.get("branch"):
        plan.fault("it has a tag and a branch. Delete one of them.", "branch")
    elif not key and not pinned:
        plan.fault("it has no commit. Write commit, tag or branch.", "repository")
    elif key and (not pinned or key == "tag" or settings.upgrade):
        try:
            _plan_reference(plan, pinned, settings)
        except ShippingError as error:
            plan.fail(error, "repository")
    return plan


def reference_of(entry: ToolEntry) -> tuple[str, str, str]:
    """Return the key that names a tag or branch, its name, and its full name; empty without."""
    details = entry.tool["variants"][0]
    for key, prefix in _KEYS.items():
        if details.get(key):
            name = with_version(details[key], entry.tool)
            return key, name, f"{prefix}{name}"
    return "", "", ""


def _plan_reference(plan: ToolPlan, pinned: str, settings: LockSettings) -> None:
    details = plan.entry.tool["variants"][0]
    key, name, reference = reference_of(plan.entry)
    if not pinned:
        plan.find(f"has no commit of the {key} {name}", key)
        if settings.findings_only:
            return
    references = settings.sources.references(details["repository"], plan.entry.tool["name"])
    commit = references.get(reference)
    if commit is None:
        repository = without_login(details["repository"])
        plan.fault(f"{repository} has no {key} {name}. Correct its name.", key)
    elif commit != pinned:
        if pinned:
            plan.find(f"has commit {pinned[:12]}; the {key} {name} is {commit[:12]}", "commit")
        plan.edits.append(Edit(plan.entry.node, "commit", commit, key))
