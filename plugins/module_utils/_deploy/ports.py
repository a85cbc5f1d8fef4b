# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ports that a platform implements; everything above a platform knows nothing else of it.

Each port is small, and a platform implements those that it has. No port keeps anything between two
calls that a caller could notice: what one call learns and another one needs travels in a value (an
observation, a plan, a record, a revision).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from .._core.cause import Cause
from .._core.spare_capacity import SpareCapacity
from .._routing.tls_stream import Stream
from .history import FailedPreview, Record
from .lease import Lease
from .naming import Naming
from .plan import Plan
from .resolution import Resolved
from .state import Evidence, States, Task


@dataclass(frozen=True)
class Wishes:
    """Special permissions of a run.

    ``going_back``: it rolls back after another release failed. What cannot be created as that
    release declares it is then a note of the plan, since an error would leave the app as it is.
    ``rolls_back``: it restores a former release, whose jobs do not run unless they are declared
    so, since a rollback must not repeat a former migration. ``leaves_jobs``: no job runs.
    ``relative_binds``: paths of the control node that are mounted, by their places in the spec.
    ``brief``: the plan is only shown if it changes nothing, so one that is sure to change something
    need not be complete.
    """

    adopt: bool = False
    recreate: frozenset[str] = frozenset()
    monitor: float = 5.0
    going_back: bool = False
    rolls_back: bool = False
    leaves_jobs: bool = False
    relative_binds: Mapping[str, str] = field(default_factory=dict)
    brief: bool = False


@dataclass(frozen=True)
class Observation:
    """An app as it is on its platform, read in a constant number of calls.

    ``kept`` are services that the platform never removes with the app. ``warnings`` are about the
    platform itself. ``inner`` belongs to the platform alone.
    """

    records: tuple[Record, ...]
    lease: Lease | None
    states: States
    inner: Any = field(default=None, repr=False)
    kept: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Contents:
    """The bytes of the secrets and configs that are to be made, by their names in the spec."""

    secrets: Mapping[str, bytes] = field(default_factory=dict)
    configs: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class PinnedImages:
    """The pinned form of each reference, and warnings if it is not from its registry."""

    images: Mapping[str, str]
    warnings: tuple[str, ...] = ()


class Fence(Protocol):
    """The right to write, checked before every change."""

    token: int

    def check(self) -> None:
        """Raise LeaseLost where another run has taken the app over."""


class StateWatch(Protocol):
    """Follow the states of an app's services while they change."""

    def states(self, revisions: Mapping[str, int]) -> States:
        """Return the services' states in one cheap read.

        ``revisions`` has what :meth:`Driver.apply` returned: an older state of a service does not
        count as its state.
        """

    def wait(self, seconds: float) -> None:
        """Wait until something may have changed since the last read, for so long at most."""


class Reader(Protocol):
    """Read an app; nothing is written."""

    def naming(self, app: str) -> Naming:
        """Return how the app's objects are called on this platform."""

    def salt(self, app: str) -> bytes:
        """Return what makes the ids of secrets differ from those of other apps and platforms.

        It is no secret itself.
        """

    def observe(self, app: str) -> Observation:
        """Read everything of an app: its services and tasks, objects, records, lease."""

    def belongings(self, app: str, seen: Observation) -> dict[str, list[str]]:
        """Return the names of everything that the app has on the platform, by kind."""

    def missing(
        self, records: Sequence[Record], seen: Observation, *, thorough: bool = False
    ) -> list[list[str]]:
        """Return for each release the objects that it needs and that do not exist any more.

        ``thorough`` queries the registries for its images, too.
        """

    def watch(self, app: str, resolved: Resolved) -> StateWatch:
        """Return a watch of the services; it reads nothing before its states are read."""


class Preview(Protocol):
    """Predict what a run would do; nothing is written."""

    def resolve_images(
        self, references: Sequence[str], mode: str, seen: Observation
    ) -> PinnedImages:
        """Return what each reference is pinned to; raise PlanError where one cannot be."""

    def plan(
        self,
        app: str,
        resolved: Resolved,
        seen: Observation,
        wishes: Wishes,
        contents: Contents,
    ) -> Plan:
        """Return what it takes to make the app so; raise PlanError where it cannot be.

        ``contents`` are those that are to be made; what it lacks is kept on the platform.
        """

    def drift(self, app: str, resolved: Resolved, seen: Observation) -> Plan:
        """Return the same as :meth:`plan`, by reading alone, which needs no right to write."""


class Driver(Protocol):
    """Write an app's services and what they use."""

    def make_objects(self, app: str, resolved: Resolved, contents: Contents, fence: Fence) -> None:
        """Make the secrets and configs that are missing."""

    def make_networks(self, app: str, resolved: Resolved, fence: Fence) -> None:
        """Make the networks that are missing."""

    def apply(self, app: str, name: str, record: Record, seen: Observation, fence: Fence) -> int:
        """Make one service what its record declares.

        Return the revision that a state must have reached to show it; 0 where each state does.
        """

    def set_replicas(self, app: str, name: str, replicas: int, fence: Fence) -> int:
        """Set one service's number of tasks; return the revision, as :meth:`apply` does."""

    def remove_services(
        self,
        app: str,
        names: Iterable[str],
        fence: Fence,
        deadline: float,
        *,
        originals: Sequence[Any] = (),
        keeping: bool = False,
    ) -> list[str]:
        """Remove services and wait until their tasks are removed.

        Those that a plan took over are put back instead, as its ``originals`` have them; return
        their names. ``keeping``: what is kept when it leaves the app stays; a plan lists none of
        it.
        """

    def remove_networks(
        self, app: str, names: Iterable[str], fence: Fence, deadline: float
    ) -> None:
        """Remove networks and wait until they are removed."""

    def sweep(self, app: str, needed: Sequence[Resolved], fence: Fence) -> None:
        """Remove the secrets and configs that no release needs any more."""

    def stamp(self, app: str, fence: Fence) -> None:
        """Put the token on all services, so that no former holder of the app can write them."""


class RecordStore(Protocol):
    """Keep the releases' records on the platform."""

    def write_record(self, app: str, record: Record) -> Record:
        """Make the record, or write its changed labels."""

    def read_records(self, app: str) -> tuple[Record, ...]:
        """Return an app's records, the newest first."""

    def remove_record(self, record: Record) -> None:
        """Remove a record."""


class LeaseStore(Protocol):
    """Keep the apps' leases on the platform."""

    def read_lease(self, app: str) -> Lease | None:
        """Return the lease of an app, or None where there never was one."""

    def write_lease(self, app: str, lease: Lease) -> Lease:
        """Make the lease or write it; raise Outdated where it has changed since it was read."""


class Diagnoser(Protocol):
    """Find out why a task failed."""

    def evidence(self, task: Task, cause: Cause, reference: str) -> Evidence:
        """Return what can be learned of a failed task.

        ``reference`` is its image as the spec writes it.
        """


class Unblocker(Protocol):
    """Remove tasks that the platform never replaces by itself."""

    def remove_blocking(self, app: str, task: Task, fence: Fence) -> bool:
        """Remove a broken task of a former spec, as it was seen; return whether it was removed."""


class ManifestSource(Protocol):
    """Read the platform's own objects as an app."""

    def read_manifests(
        self, app: str, given: Mapping[str, Any], seen: Observation, mode: str, wishes: Wishes
    ) -> tuple[Resolved, Contents, list[str]]:
        """Return the app's spec, the contents of its secrets, and notes of what was ignored."""


class Completer(Protocol):
    """Add to a spec what only the platform knows."""

    def complete(
        self, app: str, resolved: Resolved, seen: Observation, wishes: Wishes
    ) -> tuple[Resolved, Observation]:
        """Return a new release's spec with the additions.

        The observation has what was read for them, so that a plan need not read it again.
        """


class Adopter(Protocol):
    """Use secrets and configs that another tool made."""

    def adoptable(
        self, app: str, contents: Contents, seen: Observation
    ) -> dict[str, dict[str, str]]:
        """Return objects that may be used as they are, by section and their name in the spec."""


@dataclass(frozen=True)
class ControlPoint:
    """The place where a router replica takes commands. ``replica`` is an id of the platform."""

    replica: str
    node: str
    address: str
    port: int
    # From a deadline of time.monotonic() to a connection; without it the address is connected to.
    dial: Callable[[float], Stream] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class RouterShape:
    """Describe the router on a platform.

    ``replica_id`` is the placeholder of a replica's id in the environment. ``resolver`` is the
    address and port of the DNS server, empty for that of the container. ``port_mode`` is that of
    published ports. The control port is one of them unless the platform itself leads to it.
    ``placement`` are options of the router's release.
    """

    replica_id: str
    resolver: str = ""
    port_mode: str = "host"
    publishes_control: bool = True
    keeps_state: bool = True
    is_global: bool = True
    placement: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StoredTraffic:
    """The table of all routes as the platform keeps it; revision 0 is the one before the first."""

    revision: int = 0
    content: bytes = b""


class RouterPlace(Protocol):
    """The router's parts on a platform: releases of apps, control points, the table.

    ``records`` and ``leases`` are those of the place where the router is.
    """

    @property
    def shape(self) -> RouterShape:
        """Return how the platform runs the router."""

    @property
    def records(self) -> RecordStore:
        """Return where the router's releases are kept."""

    @property
    def leases(self) -> LeaseStore:
        """Return where the leases of the router and of the table are kept."""

    def live_releases(self) -> Mapping[str, Record]:
        """Return the live release of each app, in a constant number of calls."""

    def failed_previews(self) -> Mapping[str, FailedPreview]:
        """Return the previews that have records and no live release, by app."""

    def control_points(
        self, app: str, service: str, port: int, addresses: Mapping[str, str]
    ) -> tuple[ControlPoint, ...]:
        """Return where each running replica takes commands.

        ``port`` is that of the container; ``addresses`` has nodes that are reached elsewhere.
        """

    def slot_name(self, app: str, service: str, slot: int) -> str:
        """Return the name by which the router finds the replicas of the variant in a slot."""

    def free_nodes(self, constraints: Sequence[str]) -> int | None:
        """Return how many nodes may run a replica each; None where a node may run several."""

    def spare_capacity(self) -> SpareCapacity | None:
        """Return the space of the nodes for more replicas; None if the account may not read it."""

    def share_secrets(self, owners: Mapping[str, str], *, check: bool) -> bool:
        """Let the router mount secrets of apps; return whether that changes anything.

        ``owners`` has the app of each secret, by its name on the platform.
        """

    def check(self, image: str, command: Sequence[str], files: Mapping[str, bytes]) -> str:
        """Run a command once in an image with files; return why it fails, else nothing."""

    def read_traffic(self) -> StoredTraffic:
        """Return the newest table."""

    def write_traffic(self, traffic: StoredTraffic) -> None:
        """Keep a new table; raise Outdated where another run has kept one of this revision."""

    def forget_traffic(self, revision: int) -> None:
        """Remove a table that no replica got."""

    def log_lines(self, app: str, service: str, since: float, most: int) -> list[str]:
        """Return the newest lines of the replicas' output, since a time in seconds since 1970.

        ``most`` is the largest number of lines of one replica. Raise PlatformError where the
        platform cannot read the log back.
        """


@dataclass(frozen=True)
class StoredExperiment:
    """The record of an experiment as the platform keeps it: an object a revision."""

    app: str
    name: str
    revision: int = 0
    content: bytes = b""


class ExperimentStore(Protocol):
    """Keep the records of experiments on the platform."""

    def read_experiments(self, app: str) -> list[StoredExperiment]:
        """Return the newest record of each experiment of an app."""

    def write_experiment(self, experiment: StoredExperiment) -> None:
        """Keep a new revision; raise Outdated where another run has kept one of this revision."""

    def remove_experiment(self, app: str, name: str) -> None:
        """Remove all revisions."""


@dataclass(frozen=True)
class Platform:
    """A place where services run: the ports that it implements."""

    name: str
    reader: Reader
    preview: Preview
    driver: Driver
    records: RecordStore
    leases: LeaseStore
    diagnoser: Diagnoser | None = None
    unblocker: Unblocker | None = None
    manifests: ManifestSource | None = None
    completer: Completer | None = None
    adopter: Adopter | None = None
    router: RouterPlace | None = None
    experiments: ExperimentStore | None = None
