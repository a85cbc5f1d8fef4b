# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lock the tools of a catalog: plan each tool, then write the plans."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from ...module_utils._core.errors import ShippingError, SpecError, innermost
from . import lock_files
from .content_locks import plan_checksums
from .git_locks import plan_commit
from .project_texts import ProjectText, ToolEntry, problems_of, project_names, read_project
from .python_locks import plan_lock
from .tool_plan import LockSettings, ToolPlan
from .yaml_edits import CannotEdit, Edit, apply_edits

Planner = Callable[[ToolEntry, LockSettings], ToolPlan]
PLANNERS: dict[str, Planner] = {
    "archive": plan_checksums,
    "binary": plan_checksums,
    "git": plan_commit,
    "python": plan_lock,
}
"""How the tools of each type are locked; the content of the others is beside the catalog."""


@dataclass(frozen=True)
class Selection:
    """The tools of a run; all of them if none is named."""

    projects: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()

    def has(self, entry: ToolEntry) -> bool:
        """Return whether a tool is selected, by its name or by ``project/tool``."""
        of_project = not self.projects or entry.project in self.projects
        of_tools = not self.tools or bool({entry.tool["name"], entry.name} & set(self.tools))
        return of_project and of_tools


@dataclass
class CatalogTexts:
    """The readable projects of a catalog, and the problems of the others."""

    folder: str
    projects: list[ProjectText] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    unreadable: set[str] = field(default_factory=set)
    """The projects that cannot be read, so that their tools are not known."""

    @property
    def entries(self) -> Iterator[ToolEntry]:
        """Yield all tools."""
        for project in self.projects:
            yield from project.entries


def read_catalog(folder: str, selection: Selection) -> CatalogTexts:
    """Return all projects of a catalog; only faults of the selected ones count."""
    catalog = CatalogTexts(folder)
    for name in dict.fromkeys([*project_names(folder), *selection.projects]):
        faults = _read(catalog, name)
        if not selection.projects or name in selection.projects:
            catalog.faults += faults
        if faults:
            catalog.unreadable.add(name)
    catalog.faults += _unknown_tools(catalog, selection)
    return catalog


def _unknown_tools(catalog: CatalogTexts, selection: Selection) -> Iterator[str]:
    """Yield a fault for each selected tool that no project has, as far as that is known."""
    known = set(chain.from_iterable((entry.tool["name"], entry.name) for entry in catalog.entries))
    for name in selection.tools:
        project, slash, _tool = name.partition("/")
        may_be_unread = project in catalog.unreadable if slash else bool(catalog.unreadable)
        if name not in known and not may_be_unread:
            yield f"tool {name} is in no project of {catalog.folder}"


def _read(catalog: CatalogTexts, name: str) -> list[str]:
    """Add a project to the catalog; return its problems."""
    try:
        catalog.projects.append(read_project(catalog.folder, name))
    except SpecError as error:
        return problems_of(error)
    except ShippingError as error:
        return [str(error)]
    except OSError as error:
        return [f"{error.filename} cannot be read: {innermost(error)}"]
    return []


def plan_tools(
    catalog: CatalogTexts, selection: Selection, settings: LockSettings
) -> list[ToolPlan]:
    """Return a plan for each selected tool."""
    plans: list[ToolPlan] = []
    planned: dict[str, ToolPlan] = {}
    for entry in catalog.entries:
        planner = PLANNERS.get(entry.tool["type"])
        if planner is None or not selection.has(entry):
            continue
        plan = planner(entry, settings)
        for path, text in plan.locks.items():
            other = planned.setdefault(path, plan)
            if other.locks[path] != text:
                plan.fault(
                    f"its lock is also that of {other.entry.name}, which has other requirements."
                    " Give it a lock of its own.",
                    "lock",
                )
        plans.append(plan)
    return plans


def apply_plans(plans: Iterable[ToolPlan]) -> None:
    """Write wheels and locks. A failure is a fault of its tool, and the next tool continues."""
    for plan in plans:
        if plan.faults:
            continue
        try:
            lock_files.fetch_wheels(plan)
            lock_files.write_locks(plan)
        except ShippingError as error:
            plan.fault(str(error))
        except OSError as error:
            plan.fault(f"{error.filename} cannot be written: {innermost(error)}.")


def edited_projects(catalog: CatalogTexts, plans: Iterable[ToolPlan]) -> dict[str, tuple[str, str]]:
    """Return the texts of changed project files by path, before and after."""
    changed = {}
    of_project: dict[str, list[ToolPlan]] = {}
    for plan in plans:
        if plan.edits and not plan.faults:
            of_project.setdefault(plan.entry.path, []).append(plan)
    for project in catalog.projects:
        text = _edited(project, of_project.get(project.path, []))
        if text != project.text:
            changed[project.path] = (project.mark + project.text, project.mark + text)
    return changed


def _edited(project: ProjectText, plans: list[ToolPlan]) -> str:
    """Return the text with the edits of all tools that can be written."""
    edits: list[Edit] = []
    text = project.text
    for plan in plans:
        try:
            text = apply_edits(project.text, [*edits, *plan.edits])
            edits += plan.edits
        except CannotEdit as error:
            values = ", ".join(f"{edit.key}: {edit.value}" for edit in plan.edits)
            plan.fault(f"the file cannot be edited: {error}. Write {values} by hand.")
    return text
