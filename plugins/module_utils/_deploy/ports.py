# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a platform must be able to do; everything above it knows nothing else of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from .._core.cause import Cause
from .history import Record
from .lease import Lease
from .naming import Naming
from .plan import Plan
from .resolution import Resolved
from .state import Evidence, States, Task


@dataclass(frozen=True)
class Wishes:
    """What a run may do beyond the ordinary."""

    adopt: bool = False
    recreate: frozenset[str] = frozenset()
    monitor: float = 5.0


@dataclass(frozen=True)
class Observation:
    """An app as it is on its platform, read in a constant number of calls.

    ``inner`` belongs to the platform alone.
    """

    records: tuple[Record, ...]
    lease: Lease | None
    states: States
    inner: Any = field(default=None, repr=False)


@dataclass(frozen=True)
class Contents:
    """The bytes of the secrets and configs that are to be made, by their names in the spec."""

    secrets: Mapping[str, bytes] = field(default_factory=dict)
    configs: Mapping[str, bytes] = field(default_factory=dict)


class Fence(Protocol):
    """The right to write: asked before every change."""

    token: int

    def check(self) -> None:
        """Raise LeaseLost where another run has taken the app over."""


class Platform(Protocol):
    """A place where services run."""

    name: str

    def naming(self, app: str) -> Naming:
        """How the app's objects are called here."""

    def observe(self, app: str) -> Observation:
        """Everything of an app: its services and tasks, objects, records, lease."""

    def check(self, resolved: Resolved) -> None:
        """Raise PlanError where this platform's version cannot honour a key."""

    def from_manifests(
        self, app: str, given: Mapping[str, Any], seen: Observation, mode: str, wishes: Wishes
    ) -> tuple[Resolved, Contents, list[str]]:
        """Native objects as an app.

        Its spec, the contents of its secrets, and what was passed over.
        """

    def complete(self, app: str, resolved: Resolved, seen: Observation, wishes: Wishes) -> Resolved:
        """A new release's spec with what the platform itself has to add."""

    def salt(self, app: str) -> bytes:
        """What makes the ids of secrets differ from those of other apps and other platforms.

        No secret itself.
        """

    def resolve_images(self, references: list[str], mode: str, seen: Observation) -> dict[str, str]:
        """Each reference with what it is pinned to; raise PlanError where one cannot be."""

    def plan(self, app: str, resolved: Resolved, seen: Observation, wishes: Wishes) -> Plan:
        """What it takes to make the app so; raise PlanError where it cannot be. Writes nothing."""

    def drift(self, app: str, resolved: Resolved, seen: Observation) -> Plan:
        """As :meth:`plan`, by reading alone."""

    def belongings(self, app: str, seen: Observation) -> dict[str, list[str]]:
        """The names of everything that the app has on the platform, by kind."""

    def adoptable(
        self, app: str, contents: Contents, seen: Observation
    ) -> dict[str, dict[str, str]]:
        """Secrets and configs of a stack of this name, by their names in the spec, that may be used as they are."""

    def look(self, app: str, resolved: Resolved) -> States:
        """The services' states in one cheap read."""

    def pause(self, seconds: float) -> None:
        """Wait until something may have changed since the last look, for so long at most."""

    def evidence(self, task: Task, cause: Cause, reference: str) -> Evidence:
        """What can be learnt of a failed task; ``reference`` is its image as the spec writes it."""

    def make_objects(self, app: str, resolved: Resolved, contents: Contents, fence: Fence) -> None:
        """Make the secrets and configs that are missing."""

    def make_networks(self, app: str, resolved: Resolved, fence: Fence) -> None:
        """Make the networks that are missing."""

    def apply(self, app: str, name: str, record: Record, seen: Observation, fence: Fence) -> None:
        """Make one service what its record declares."""

    def set_replicas(self, app: str, name: str, replicas: int, fence: Fence) -> None:
        """Set one service's number of tasks."""

    def remove_services(
        self, app: str, names: Iterable[str], fence: Fence, deadline: float
    ) -> list[str]:
        """Remove services and wait until their tasks are gone.

        The names of those that were put back instead, since this run had taken them over.
        """

    def remove_networks(
        self, app: str, names: Iterable[str], fence: Fence, deadline: float
    ) -> None:
        """Remove networks and wait until they are gone."""

    def sweep(self, app: str, needed: list[Resolved], fence: Fence) -> None:
        """Remove the secrets and configs that no release needs any more."""

    def missing(self, record: Record, seen: Observation, thorough: bool = False) -> list[str]:
        """What a release needs and is gone; ``thorough`` asks the registries for its images too."""

    def stamp(self, app: str, fence: Fence) -> None:
        """Put the token on all services, so that whoever held the app before cannot write them."""

    def write_record(self, app: str, record: Record) -> Record:
        """Make the record, or write its changed labels."""

    def remove_record(self, record: Record) -> None:
        """Remove a record."""

    def read_lease(self, app: str) -> Lease | None:
        """The lease of an app, or None where there never was one."""

    def write_lease(self, app: str, lease: Lease) -> Lease:
        """Make the lease or write it; raise Outdated where it has changed since it was read."""
