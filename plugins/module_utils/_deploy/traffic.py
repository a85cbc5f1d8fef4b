# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Share the traffic of a service between its variants, on all replicas of the router or on none."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from .._compose import service_routes, variants
from .._core.content_ids import digest
from .._core.errors import (
    PlanError,
    ShippingError,
    SpecError,
    suggestion,
)
from .._core.parsing import SpecReader
from .._routing import runtime_commands
from .._routing.buckets import (
    BUCKETS,
    STABLE,
    BucketTable,
    VariantBuckets,
    allocate,
    first_table,
    moved_buckets,
    read_weights,
)
from .._routing.control_channel import ClientIdentity, ControlChannel
from .._routing.haproxy_configuration import RouterPaths
from .._routing.request_headers import Headers
from .._routing.weight_change import Channel, change_tables, tables_on_replicas
from . import fencing
from .health import LIVE
from .history import newest
from .lease_wait import lease_timeout
from .leased import Claim, take
from .platform_connection import connect
from .platform_definition import Options, Platforms
from .ports import Fence, Platform, RouterPlace
from .route_checks import stored_of, tables_of
from .router_control import ROUTER, all_channels, control_points, identity_files, place_of
from .router_spec import routed_services
from .run_names import new_run

# The lease of the table has the form of an app's, and a name that no app can have.
LEASE = "shipping.code.traffic"
PERCENT = BUCKETS // 100
# Seconds; see _resolvers of haproxy_configuration.
_RESOLVES_EVERY = 1.0
Key = tuple[str, str]


def percentages(table: BucketTable) -> dict[str, float]:
    """Return the share of each variant in percent."""
    return {name: buckets / PERCENT for name, buckets in table.weights().items()}


def salt_of(app: str, service: str) -> str:
    """Return the salt of a service's table: services assign one unit independently."""
    # Names of apps and services together may be longer than a salt.
    return digest([app, service])


@dataclass(frozen=True)
class ServiceVariants:
    """A service of a live release with the slot and the declared weight of each variant.

    ``headers`` has the request headers of the variants that have any.
    """

    app: str
    service: str
    slots: Mapping[str, int]
    declared: Mapping[str, float]
    headers: Mapping[str, Headers] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        """Return the key of its table."""
        return (self.app, self.service)

    def first_table(self) -> BucketTable:
        """Return its table before the first change of weights."""
        return first_table(self.app, self.service, salt_of(self.app, self.service))

    def with_variants(self, table: BucketTable) -> BucketTable:
        """Return a table with exactly its variants; a new one has no buckets yet.

        A variant that was removed, or another one of its name, gives its buckets back.
        """
        kept = {
            name: len(variant.buckets)
            for name, variant in table.variants.items()
            if self.slots.get(name) == variant.slot
        }
        kept[STABLE] = BUCKETS - sum(kept.values())
        rest = allocate(table, kept)
        new = {name: VariantBuckets(slot, ()) for name, slot in self.slots.items()}
        known = {
            name: replace(variant, headers=self.headers.get(name, ()))
            for name, variant in {**new, **rest.variants}.items()
        }
        return replace(rest, revision=table.revision, variants=known)

    def shared(self, table: BucketTable, weights: Mapping[str, int]) -> BucketTable:
        """Return the table with other weights, of the next revision where anything changes.

        A variant without weight is in it, too: testers reach it.
        """
        after = allocate(self.with_variants(table), weights)
        is_same = dict(after.variants) == dict(table.variants)
        return table if is_same else replace(after, revision=table.revision + 1)


def variants_of(platform: Platform, app: str, service: str) -> ServiceVariants:
    """Return a routed service of the live release; raise PlanError without it."""
    live = newest(platform.records.read_records(app), LIVE)
    services = live.resolved.services if live else {}
    if service not in services:
        raise PlanError(
            f"traffic of {service} cannot be shared",
            f"{app} has no live release with such a service{suggestion(service, services)}",
            "Deploy it first, or correct the name",
        )
    if not service_routes.routes_of(services[service]):
        raise PlanError(
            f"traffic of {service} cannot be shared",
            "the live release declares no routes for it",
            "Write x-shipping.routes in the service and deploy it",
        )
    found = services[service]
    return ServiceVariants(
        app,
        service,
        variants.slots_of(found),
        variants.variants_of(found),
        variants.headers_of(found),
    )


def wanted_weights(given: Any, service: ServiceVariants) -> dict[str, int]:
    """Return the weights in buckets; without given ones those that the live release declares."""
    reader = SpecReader("weights")
    names = [STABLE, *service.slots]
    weights = read_weights(service.declared if given is None else given, reader, names)
    if reader.problems or weights is None:
        raise SpecError(reader.problems, f"the traffic of {service.app}_{service.service}")
    return weights


@dataclass(frozen=True)
class TrafficChange:
    """The tables of all services, and the one that is to change; without one, none does."""

    revision: int
    tables: Mapping[Key, BucketTable]
    former: BucketTable | None = None
    table: BucketTable | None = None

    @property
    def is_new(self) -> bool:
        """Return whether the stored table changes."""
        return self.table is not None and self.table != self.former

    @property
    def after(self) -> dict[Key, BucketTable]:
        """Return the tables of all services as they are to be."""
        if self.table is None or not self.is_new:
            return dict(self.tables)
        return {**self.tables, (self.table.app, self.table.service): self.table}

    def result(self, drifting: Sequence[str], *, changed: bool) -> dict[str, Any]:
        """Return the result of the module."""
        result: dict[str, Any] = {"changed": changed, "drift": list(drifting)}
        if self.table is None or self.former is None:
            return result
        before, after = percentages(self.former), percentages(self.table)
        return {
            **result,
            "app": self.table.app,
            "service": self.table.service,
            "revision": self.table.revision,
            "weights": {"before": before, "after": after},
            "moved": moved_buckets(self.former, self.table) / PERCENT,
            "diff": {"before": before, "after": after},
        }


@dataclass(frozen=True)
class _Run:
    """One run of the module: where it writes, and the weights that a service is to have."""

    platform: Platform
    options: Options
    service: ServiceVariants | None = None
    weights: Mapping[str, int] = field(default_factory=dict)

    @property
    def place(self) -> RouterPlace:
        """Return the place of the router."""
        return place_of(self.platform)

    def plan(self) -> TrafficChange:
        """Return the change from the stored table to the weights."""
        stored = self.place.read_traffic()
        tables = tables_of(stored)
        if self.service is None:
            return TrafficChange(stored.revision, tables)
        former = tables.get(self.service.key) or self.service.first_table()
        table = self.service.shared(former, self.weights)
        return TrafficChange(stored.revision, tables, former, table)

    def known(self, tables: Mapping[Key, BucketTable]) -> list[BucketTable]:
        """Return the tables of services that the running router has; the others come later."""
        # First: a service that the router lacks is an error, also without tables.
        routed = self._routed
        return [table for key, table in sorted(tables.items()) if key in routed]

    @cached_property
    def _routed(self) -> set[Key]:
        live = newest(self.place.records.read_records(ROUTER), LIVE)
        found = routed_services(live.resolved) if live else set()
        if self.service and self.service.key not in found:
            raise PlanError(
                f"traffic of {self.service.service} cannot be shared",
                f"the router does not have the routes of {self.service.app} yet",
                "Run the playbook shipping.code.router",
            )
        return found

    def drift(self, channels: Sequence[Channel], tables: Mapping[Key, BucketTable]) -> list[str]:
        """Return the replicas whose tables differ from these."""
        known = self.known(tables)
        if not known:
            return []
        found = tables_on_replicas(channels, known, RouterPaths())
        return sorted({entry.replica for entry in found if not entry.is_current})

    def apply(self, channels: Sequence[Channel], fence: Fence) -> dict[str, Any]:
        """Keep the tables and give them to all replicas, or to none."""
        change = self.plan()
        drifting = self.drift(channels, change.tables)
        if not change.is_new and not drifting:
            return change.result((), changed=False)
        revision = change.revision + 1
        fence.check()
        # Before the first change: a run that is killed leaves drift, which the next run mends.
        if change.is_new:
            self.place.write_traffic(stored_of(revision, change.after.values()))
        try:
            change_tables(channels, self.known(change.after), RouterPaths())
        except ShippingError:
            if change.is_new:
                fence.check()
                self.place.forget_traffic(revision)
            raise
        return change.result(drifting, changed=True)


def change_traffic(options: Options, platforms: Platforms, *, check: bool) -> dict[str, Any]:
    """Return the result of the module traffic."""
    run = _read(options, connect(options, platforms))
    change = run.plan()
    # Before the first change of weights, all replicas have the table that they start with.
    if run.service is None and not change.revision:
        return change.result((), changed=False)
    with identity_files(options["_pki"] or {}) as identity:
        with _channels(run, identity) as channels:
            drifting = run.drift(channels, change.tables)
        needed = change.is_new or bool(drifting)
        if check or not needed:
            return change.result(drifting, changed=needed)
        # Connected again: another run may have had the lease for longer than a connection lasts.
        with _leased(run) as fence, _channels(run, identity) as channels:
            return run.apply(channels, fence)


def _read(options: Options, platform: Platform) -> _Run:
    """Read the service and its weights; without a service, only drift is mended."""
    if not options.get("service"):
        return _Run(platform, options)
    service = variants_of(platform, options["app"], options["service"])
    return _Run(platform, options, service, wanted_weights(options.get("weights"), service))


def _channels(run: _Run, identity: ClientIdentity) -> AbstractContextManager[list[ControlChannel]]:
    points = control_points(run.place, run.options)
    return all_channels(points, identity, float(run.options["timeout"]))


def _leased(run: _Run) -> AbstractContextManager[Fence]:
    """Take the lease of the table, which the context keeps; wait for another run that has it."""
    leases, options = run.place.leases, run.options
    purpose = f"sharing the traffic of {run.service.service}" if run.service else "mending drift"
    ttl = float(options["lease_ttl"])
    claim = Claim(new_run(options.get("by")), purpose, ttl, lease_timeout(options))
    taken = take(leases, LEASE, claim, "the traffic", lambda _line: None)
    return fencing.keep_lease(leases, LEASE, claim.run, taken.lease.token, ttl)


def share_service(
    platform: Platform, options: Options, service: ServiceVariants, weights: Mapping[str, int]
) -> dict[str, Any]:
    """Share the traffic of a service by weights in buckets, as a part of another run."""
    run = _Run(platform, options, service, weights)
    with identity_files(options["_pki"] or {}) as keys, _leased(run) as fence:
        # Connected under the lease: another run may have had it for longer than a connection lasts.
        channels = _channels(run, keys)
        with channels as opened:
            return run.apply(opened, fence)


def wait_for_servers(
    platform: Platform, options: Options, backends: Collection[str], seconds: float
) -> None:
    """Wait until all replicas of the router have a server of each backend that is up.

    The router resolves names of new replicas once a second; before, it has no server for them.
    """
    points = control_points(place_of(platform), options)
    deadline = time.monotonic() + seconds
    with (
        identity_files(options["_pki"] or {}) as keys,
        all_channels(points, keys, seconds) as channels,
    ):
        while missing := _without_server(channels, backends):
            if time.monotonic() > deadline - 1:
                raise PlanError(
                    "the new version cannot get traffic",
                    f"router replica {missing} has no replica of it that is up",
                    "Check that it listens on the port of the route",
                )
            time.sleep(_RESOLVES_EVERY / 4)


def _without_server(channels: Sequence[Channel], backends: Collection[str]) -> str:
    """Return the name of a replica of the router that lacks a server; empty without any."""
    for channel in channels:
        states = runtime_commands.servers(channel.send([runtime_commands.SHOW_SERVERS])[0])
        ready = {state.backend for state in states if state.is_up and state.address}
        if not set(backends) <= ready:
            return channel.replica
    return ""
