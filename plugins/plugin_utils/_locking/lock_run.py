# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run shipping.code.lock: from its options to its result."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from ...module_utils._core.errors import ShippingError, innermost
from ...module_utils._toolbox.atomic_files import read_text
from ...module_utils._toolbox.installers.installer import PLATFORM_ARCH, PLATFORM_OS
from .._catalog.run_contents import downloads_folder
from .._catalog.tool_sources import ToolSources
from .._catalog.wheels import System
from . import locking, outdated
from .lock_files import replace_text
from .locking import CatalogTexts, Selection
from .package_index import Login
from .stale_wheels import stale_wheels
from .tool_plan import LockSettings, ToolPlan
from .uv_resolver import Resolver


@dataclass(frozen=True)
class RunMode:
    """The mode in which Ansible runs the task."""

    check: bool = False
    diff: bool = False


def run(options: Mapping[str, Any], mode: RunMode) -> dict[str, Any]:
    """Return the result of the module."""
    selection = Selection(tuple(options["projects"]), tuple(options["tools"]))
    settings = _settings(options, mode)
    catalog = locking.read_catalog(settings.sources.folder, selection)
    if options["state"] == "outdated":
        return _versions(catalog, selection, settings)
    plans = locking.plan_tools(catalog, selection, settings)
    stale = stale_wheels(catalog, plans, settings)
    for plan, path in stale:
        plan.find(f"has {os.path.basename(path)} in its wheels, which no lock pins", "wheels")
    before = {path: read_text(path) for path in chain.from_iterable(plan.locks for plan in plans)}
    if not mode.check:
        locking.apply_plans(plans)
    edited = locking.edited_projects(catalog, plans)
    removed = [path for plan, path in stale if not plan.faults]
    if not mode.check:
        edited = _write(catalog, edited, removed)
    return _result(catalog, plans, _Changes(before, edited, removed), mode)


@dataclass(frozen=True)
class _Changes:
    locks_before: dict[str, str]
    edited: dict[str, tuple[str, str]]
    removed: list[str]

    def files(self, plans: Iterable[ToolPlan]) -> list[str]:
        """Return the paths of all files that were written or removed."""
        paths = chain.from_iterable((*plan.wheels, *plan.locks) for plan in plans)
        return sorted({*paths, *self.edited, *self.removed})

    def diff(self, plans: Iterable[ToolPlan]) -> list[dict[str, str]]:
        """Return the difference that Ansible shows with ``--diff``."""
        texts = dict(self.edited)
        wheels = [f"- {path}" for path in self.removed]
        for plan in plans:
            wheels += [f"+ {path}" for path in plan.wheels]
            texts |= {path: (self.locks_before[path], text) for path, text in plan.locks.items()}
        shown = [
            {"before_header": path, "after_header": path, "before": before, "after": after}
            for path, (before, after) in sorted(texts.items())
        ]
        return [*shown, {"prepared": "\n".join(wheels)}] if wheels else shown


def _settings(options: Mapping[str, Any], mode: RunMode) -> LockSettings:
    downloads = downloads_folder()
    cache = os.path.join(os.path.dirname(downloads), "uv")
    return LockSettings(
        ToolSources(os.path.realpath(options["catalog"]), downloads),
        Resolver(options["uv_path"] or shutil.which("uv") or "uv", cache),
        options["index_url"],
        Login(options["index_username"] or "", options["index_password"] or ""),
        tuple(_system(text) for text in options["platforms"]),
        upgrade=options["upgrade"],
        findings_only=mode.check and not mode.diff,
    )


def _system(text: str) -> System:
    name, _slash, arch = text.partition("/")
    if name not in PLATFORM_OS or arch not in PLATFORM_ARCH:
        raise ShippingError(
            "platforms cannot be used",
            f"{text!r} is no system and processor",
            f"Write OS/ARCH with an OS of {', '.join(PLATFORM_OS)} and an ARCH of"
            f" {', '.join(PLATFORM_ARCH)}",
        )
    return System(name, arch)


def _versions(
    catalog: CatalogTexts, selection: Selection, settings: LockSettings
) -> dict[str, Any]:
    entries = [entry for entry in catalog.entries if selection.has(entry)]
    rows = outdated.tool_versions(entries, settings, catalog.faults)
    behind = [row for row in rows if row["state"] == outdated.OUTDATED]
    result: dict[str, Any] = {
        "changed": False,
        "versions": rows,
        "outdated": list(dict.fromkeys(f"{row['project']}/{row['tool']}" for row in behind)),
        "catalog_errors": catalog.faults,
    }
    return result | _failures({"The versions of some tools cannot be found": catalog.faults})


def _write(
    catalog: CatalogTexts, edited: dict[str, tuple[str, str]], removed: list[str]
) -> dict[str, tuple[str, str]]:
    """Write the project files, and remove wheels; return which files were written."""
    written = {}
    for path, (before, after) in edited.items():
        try:
            _replace(path, before, after)
            written[path] = before, after
        except ShippingError as error:
            catalog.faults.append(f"{path}: {error}")
        except OSError as error:
            catalog.faults.append(f"{path} cannot be written: {innermost(error)}")
    for path in removed:
        try:
            os.unlink(path)
        except OSError as error:
            catalog.faults.append(f"{path} cannot be removed: {innermost(error)}")
    return written


def _replace(path: str, before: str, after: str) -> None:
    with open(path, encoding="utf-8", newline="") as stream:
        if stream.read() != before:
            raise ShippingError("the file was changed during the run", "", "Run again")
    replace_text(path, after)


def _result(
    catalog: CatalogTexts, plans: list[ToolPlan], changes: _Changes, mode: RunMode
) -> dict[str, Any]:
    good = [plan for plan in plans if not plan.faults]
    faults = [*catalog.faults, *chain.from_iterable(plan.faults for plan in plans)]
    findings = list(chain.from_iterable(plan.findings for plan in plans))
    files = changes.files(good)
    result = {
        "changed": bool(findings if mode.check else files),
        "tools": [_tool(plan, mode) for plan in plans],
        "files": files,
        "findings": findings,
        "catalog_errors": faults,
        "diff": changes.diff(good),
    }
    if mode.check:
        return result | _failures(
            {
                f"The catalog {catalog.folder} is not locked. Run shipping.code.lock without check"
                " mode": findings,
                f"Some tools of the catalog {catalog.folder} cannot be checked": faults,
            }
        )
    return result | _failures(
        {
            "Some tools could not be locked and are as they were; all others are locked. Correct"
            " the catalog, then run again": faults,
        }
    )


def _tool(plan: ToolPlan, mode: RunMode) -> dict[str, str]:
    state = "changed" if plan.findings else "locked"
    if plan.findings and mode.check:
        state = "not locked"
    return {
        "project": plan.entry.project,
        "tool": plan.entry.tool["name"],
        "type": plan.entry.tool["type"],
        "state": "failed" if plan.faults else state,
    }


def _failures(problems: Mapping[str, list[str]]) -> dict[str, Any]:
    """Return the failure with the lines below each message; nothing if there are none."""
    parts = [
        f"{message}:" + "".join(f"\n  {line}" for line in dict.fromkeys(lines))
        for message, lines in problems.items()
        if lines
    ]
    return {"failed": True, "msg": "\n".join(parts)} if parts else {}
