# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan the changes of an app on a cluster.

Pure: from what was found to a plan.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from ..._compose import job_services
from ..._compose.service_routes import ROUTER_NETWORK
from ..._core.errors import Problem
from ..._deploy import job_runs
from ..._deploy.health import LIVE
from ..._deploy.history import Record, newest
from ..._deploy.plan import LEFT, RECREATE, UNINTERRUPTED, Change, Plan, ServicePlan
from ..._deploy.ports import Wishes
from ..._deploy.resolution import Resolved
from ..._deploy.service_diff import (
    GLOBAL,
    REPLICATED,
    Declared,
    Existing,
    objects_to_create,
    raise_problems,
    removed_services,
    service_plan,
)
from . import immutable_fields, lasting, manifests, pod_security, render, update_strategy
from .api_kinds import (
    CLAIM,
    CONFIG_MAP,
    DAEMON_SET,
    HASH,
    JOB,
    NETWORK_POLICY,
    POLICY,
    RELEASE,
    SECRET,
    SERVICE,
    SERVICE_KIND,
    WORKLOADS,
    Kind,
)
from .compare import (
    annotation,
    covers,
    differences,
    is_applied,
    key_of,
    label,
    projected,
    same,
    without_notes,
)
from .eligible_nodes import UNKNOWN, eligible
from .observe import Body, Key, Snapshot, is_standard, states
from .release_order import TEMPLATED

# The contents of Jobs by title; see manifests.finished_jobs.
Finished = Mapping[str, Collection[str]]
_NONE: Finished = MappingProxyType({})
_HIDDEN = (
    "reference",
    "security",
    "pull_secret",
    "selector",
    "bare",
    "container",
    "depends_on",
    "expose",
)


@dataclass(frozen=True)
class PlannedObject:
    """A wanted object, the existing one, and the server's answer to a dry run."""

    service: str
    wanted: Body
    kind: Kind
    live: Body | None = None
    predicted: Body | None = None
    # A Job that has run in a release that was live: it does not run again.
    has_run: bool = False
    # The fields that differ and cannot change in place.
    immutable: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        """Return kind and name."""
        return key_of(self.wanted)

    @property
    def place(self) -> str:
        """Return the place in the spec that it comes from, for a problem."""
        if self.service:
            return f"services.{self.service}"
        return f"networks: {self.wanted['metadata']['name']}"

    @property
    def title(self) -> str:
        """Return its kind and name for a message."""
        return title_of(self.wanted)

    @property
    def is_stale(self) -> bool:
        """Return whether a Job of another release is there in place of one that has run."""
        if not self.has_run or self.live is None:
            return False
        content = annotation(self.live, manifests.CONTENT_OF)
        return content not in ("", annotation(self.wanted, manifests.CONTENT_OF))

    @property
    def is_done(self) -> bool:
        """Return whether it is a Job that has run, and is not there as it is wanted."""
        return self.is_stale or (self.has_run and self.live is None)

    @property
    def differs(self) -> bool:
        """Return whether it may have to be written, as far as is known without the server."""
        if self.is_done:
            return False
        return self.live is None or not is_applied(self.wanted, self.live)

    @property
    def is_there(self) -> bool:
        """Return whether everything that is wanted of it exists, by whatever writer."""
        return self.live is not None and covers(self.live, without_notes(self.wanted))

    @property
    def changed(self) -> bool:
        """Return whether writing it changes anything."""
        if self.is_done or self.live is None:
            return self.is_stale or not self.has_run
        # A webhook may put its own text in place of ours: then another write would change nothing.
        return self.differs and (self.predicted is None or not same(self.live, self.predicted))


@dataclass(frozen=True)
class Comparison:
    """An app's spec and history, the found objects, and the permissions of the run."""

    app: str
    resolved: Resolved
    records: Sequence[Record]
    snapshot: Snapshot
    wishes: Wishes


def title_of(body: Body) -> str:
    """Return what an object is called in messages: a manifest's title, or kind and name."""
    return annotation(body, SERVICE) or "/".join(key_of(body))


def entries(
    app: str, resolved: Resolved, snapshot: Snapshot, finished: Finished = _NONE
) -> list[PlannedObject]:
    """Return every object that is wanted, beside what is there.

    ``finished`` has the contents of the Jobs that have run, by title.
    """
    bodies = _bodies(app, resolved)
    return [
        PlannedObject(
            name,
            body,
            render.kind_of(body, resolved.services.get(name, {})),
            snapshot.objects.get(key_of(body)),
            has_run=annotation(body, manifests.CONTENT_OF) in finished.get(name, ()),
        )
        for name, body in bodies
    ]


def surely_change(wanted: Iterable[PlannedObject]) -> bool:
    """Return whether something changes whatever the server answers to a dry run."""
    return any(entry.live is None and entry.changed for entry in wanted)


def live_services(records: Iterable[Record]) -> Iterator[Mapping[str, Any]]:
    """Yield the services of each release that was live."""
    yield from (record.resolved.services for record in records if record.state == LIVE)


def finished_jobs(
    app: str, resolved: Resolved, records: Sequence[Record], wishes: Wishes
) -> Finished:
    """Return the contents of the Jobs that have run and are not to run again."""
    found: dict[str, Collection[str]] = dict(manifests.finished_jobs(live_services(records)))
    for name, service in resolved.services.items():
        if job_services.is_job(service) and job_runs.is_left(name, service, records, wishes):
            body = render.workload(app, name, resolved)
            found[name] = {annotation(body, manifests.CONTENT_OF)}
    return {title: found[title] for title in found if title not in wishes.recreate}


def _bodies(app: str, resolved: Resolved) -> Iterator[tuple[str, Body]]:
    """Yield every object of an app with its service, and the app's own without one."""
    for name in resolved.services:
        for body in render.of_service(app, name, resolved):
            yield name, body
    for body in render.policies(app, resolved):
        yield "", body


def external(resolved: Resolved) -> list[Key]:
    """Return others' objects that the app uses."""
    sections = (
        (SECRET, resolved.secrets),
        (CONFIG_MAP, resolved.configs),
        (NETWORK_POLICY, resolved.networks),
    )
    keys: list[Key] = []
    for kind, entries_ in sections:
        keys += [
            (kind.name, name)
            for name, entry in entries_.items()
            # The router is in another namespace, and its network is a policy of the app.
            if entry.get("external") and name != ROUTER_NETWORK
        ]
    return [*keys, *((CLAIM.name, name) for name in sorted(_external_claims(resolved)))]


def _external_claims(resolved: Resolved) -> set[str]:
    """Return the volumes of others that services mount; ours have labels."""
    claims: set[str] = set()
    for service in resolved.services.values():
        mounts = (mount for mount in service.get("volumes", []) if mount["type"] == "volume")
        claims.update(
            mount["source"] for mount in mounts if "source" in mount and "labels" not in mount
        )
    return claims


_REMEDIES = {
    SECRET.name: ("secrets", "create it with kubectl create secret generic"),
    CONFIG_MAP.name: ("configs", "create it with kubectl create configmap"),
    NETWORK_POLICY.name: (
        "networks",
        "deploy the app that declares it first, or create a NetworkPolicy of that name",
    ),
    CLAIM.name: ("volumes", "create the PersistentVolumeClaim beforehand"),
}


def problems(comparison: Comparison, wanted: Sequence[PlannedObject]) -> Iterator[Problem]:
    """Yield all problems."""
    resolved, snapshot = comparison.resolved, comparison.snapshot
    for kind, name in external(resolved):
        if (kind, name) not in snapshot.unmanaged and (kind, name) not in snapshot.objects:
            section, remedy = _REMEDIES[kind]
            yield Problem(
                f"{section}: {name}", f"is external and does not exist in the namespace; {remedy}"
            )
    for entry in wanted:
        unmanaged_body = snapshot.unmanaged.get(entry.key)
        if unmanaged_body is not None and entry.live is None:
            yield _foreign(entry, unmanaged_body, comparison.wishes)
    level = pod_security.enforced(snapshot.namespace)
    for name, service in resolved.services.items():
        for key, remedy in pod_security.violations(service, level):
            yield Problem(
                f"services.{name}.{key}",
                f"the namespace enforces the Pod Security Standard {level}; {remedy}",
            )


def _foreign(entry: PlannedObject, unmanaged_body: Body, wishes: Wishes) -> Problem:
    what = f"a {entry.kind.name} {entry.wanted['metadata']['name']} exists"
    owner = label(unmanaged_body, "shipping.code/app")
    if owner:
        return Problem(
            entry.place,
            f"{what} that belongs to the app {owner}; a name belongs to one app in a namespace, so"
            " rename one or use another namespace",
        )
    if wishes.adopt:
        return Problem(entry.place, f"{what} that cannot be adopted as it is; rename one of them")
    return Problem(
        entry.place,
        f"{what} that this collection does not manage; set adopt: true to adopt it, or rename one"
        " of them",
    )


def plan(comparison: Comparison, wanted: Sequence[PlannedObject], noted: list[Problem]) -> Plan:
    """Compare; raise PlanError with all problems, those in ``noted`` included."""
    resolved, snapshot = comparison.resolved, comparison.snapshot
    of_services = _by_service(wanted)
    services = [
        *(_service(comparison, name, of_services[name], noted) for name in resolved.services),
        *removed_services(_ports_by_service(snapshot), resolved.services),
    ]
    raise_problems(comparison.app, noted)
    networks = {entry.wanted["metadata"]["name"]: entry for entry in wanted if not entry.service}
    return Plan(
        services=tuple(services),
        create={
            "networks": tuple(name for name, entry in networks.items() if entry.changed),
            "volumes": _new_claims(wanted),
            "secrets": objects_to_create(resolved.secrets, snapshot.names(SECRET.name)),
            "configs": objects_to_create(resolved.configs, snapshot.names(CONFIG_MAP.name)),
        },
        remove={
            "networks": tuple(sorted(snapshot.names(NETWORK_POLICY.name, POLICY) - set(networks)))
        },
        notes=(
            *_notes_of_contents(wanted),
            *_notes_of_pods(wanted),
            *_notes_of_kept(comparison),
        ),
        before=_before(comparison, wanted),
        after={entry.title: _readable(entry.wanted) for entry in wanted},
    )


def _by_service(wanted: Iterable[PlannedObject]) -> dict[str, list[PlannedObject]]:
    result: dict[str, list[PlannedObject]] = {}
    for entry in wanted:
        result.setdefault(entry.service, []).append(entry)
    return result


def _ports_by_service(snapshot: Snapshot) -> dict[str, set[int]]:
    """Return the ports of services that are removed when the spec does not have them."""
    return {
        name: _ports(body) for name, body in snapshot.workloads.items() if not lasting.is_kept(body)
    }


def _new_claims(wanted: Sequence[PlannedObject]) -> tuple[str, ...]:
    missing = [entry for entry in wanted if entry.live is None]
    names = {entry.wanted["metadata"]["name"] for entry in missing if entry.kind is CLAIM}
    return tuple(sorted(names))


def _changes_in_place(entry: PlannedObject) -> bool:
    """Return whether an object changes that pods read at their start."""
    return entry.kind in (SECRET, CONFIG_MAP) and entry.live is not None and entry.changed


def _notes_of_contents(wanted: Sequence[PlannedObject]) -> Iterator[str]:
    for entry in wanted:
        if _changes_in_place(entry):
            yield (
                f"{entry.title} changes in place: pods that read it at their start keep its former"
                " content until they restart"
            )


def _notes_of_pods(wanted: Sequence[PlannedObject]) -> Iterator[str]:
    """Yield which pods keep their former template though it changes."""
    for entry in wanted:
        kept = update_strategy.kept(entry.wanted, _live_replicas(entry.live))
        if kept and entry.live is not None and entry.changed and _template_changes(entry):
            yield f"{entry.title}: this update does not replace {kept}"


def _notes_of_kept(comparison: Comparison) -> Iterator[str]:
    """Yield what leaves the app with this release and is not removed."""
    live = newest(comparison.records, LIVE)
    leaving = set(live.resolved.services) - set(comparison.resolved.services) if live else set()
    for name, body in comparison.snapshot.workloads.items():
        if name in leaving and lasting.has_policy(body):
            yield (
                f"{name} is kept, since it has the annotation {lasting.POLICY}: keep. Remove it by"
                " hand if you do not need it"
            )


def _before(comparison: Comparison, wanted: Sequence[PlannedObject]) -> dict[str, Any]:
    """Return what is there of everything that is declared, or was by the former release."""
    former = _former_bodies(comparison)
    shapes = {**{entry.key: entry.wanted for entry in wanted}, **former}
    return {
        title_of(body): _readable(projected(body, shapes[key]))
        for key, body in comparison.snapshot.objects.items()
        if key in shapes
    }


def _readable(body: Body) -> dict[str, Any]:
    """Return an object for users: without internal notes and without a Secret's content.

    Another content shows by its name in an annotation.
    """
    return {
        key: value
        for key, value in without_notes(body).items()
        if body["kind"] != SECRET.name or key not in ("data", "stringData")
    }


def _former_bodies(comparison: Comparison) -> dict[Key, Body]:
    live = newest(comparison.records, LIVE)
    # Of the same spec the wanted objects have the same shapes, and nothing is rendered twice.
    if live is None or live.resolved == comparison.resolved:
        return {}
    bodies = _bodies(comparison.app, live.resolved)
    return {key_of(body): body for _service_name, body in bodies}


def _service(
    comparison: Comparison, name: str, own: list[PlannedObject], noted: list[Problem]
) -> ServicePlan:
    service, workload = comparison.resolved.services[name], own[-1]
    if workload.is_done:
        finished = immutable_fields.finished_job(name, is_stale=workload.is_stale)
        return replace(finished, done=LEFT) if job_services.is_job(service) else finished
    snapshot = comparison.snapshot
    nodes = _eligible_nodes(workload, snapshot)
    there = snapshot.workloads.get(name)
    replicas = _replicas(there, workload, nodes) if there else 0
    declared = Declared(
        name,
        service,
        _mode_of(workload.kind.name),
        nodes,
        _manifest_interruption(name, workload.wanted, replicas) if "manifest" in service else "",
    )
    existing = _existing(comparison, name, own, replicas) if there else None
    recreated = _recreated(own)
    if recreated:
        changes = existing.changes if existing else ()
        return immutable_fields.plan(name, recreated, changes, comparison.wishes.recreate, noted)
    return _planned(comparison, declared, existing, noted)


def _recreated(own: Iterable[PlannedObject]) -> list[immutable_fields.Recreated]:
    """Return the objects that differ in fields which cannot change in place."""
    return [
        immutable_fields.Recreated.of(entry.wanted, entry.live or {}, entry.immutable)
        for entry in own
        if entry.immutable
    ]


def _planned(
    comparison: Comparison, declared: Declared, existing: Existing | None, noted: list[Problem]
) -> ServicePlan:
    is_job = job_services.is_job(declared.service)
    if is_job and existing and not existing.is_written:
        return _unchanged_job(comparison, declared.name, existing)
    return service_plan(declared, existing, comparison.wishes.recreate, noted)


def _unchanged_job(comparison: Comparison, name: str, existing: Existing) -> ServicePlan:
    """Return what happens to a Job that is as declared, by its progress."""
    found = states(comparison.app, comparison.snapshot, comparison.resolved, 0.0)
    planned = job_runs.plan(name, existing, job_runs.progress(found[name]))
    # A Job that has ended cannot be started again.
    return replace(planned, action=RECREATE) if planned.changed else planned


def _eligible_nodes(workload: PlannedObject, snapshot: Snapshot) -> int:
    if workload.kind not in WORKLOADS:
        return UNKNOWN
    return eligible(workload.wanted, snapshot.nodes)


def _replicas(there: Body, workload: PlannedObject, nodes: int) -> int:
    if workload.kind == DAEMON_SET:
        return nodes
    return _live_replicas(there)


def _live_replicas(there: Body | None) -> int:
    """Return how many pods a workload shall have; 0 for other objects."""
    # A custom resource may have anything in its spec.
    if there is None or not is_standard(there):
        return 0
    return int((there.get("spec") or {}).get("replicas", 1))


def _existing(
    comparison: Comparison, name: str, own: list[PlannedObject], replicas: int
) -> Existing:
    there, workload = comparison.snapshot.workloads[name], own[-1]
    stale = list(superfluous(name, {entry.key for entry in own}, comparison.snapshot))
    changed = [entry for entry in own if entry.changed]
    if not changed and not stale:
        return Existing(_mode_of(there["kind"]), replicas)
    return Existing(
        _mode_of(there["kind"]),
        replicas,
        tuple(_changes(comparison, name, changed, stale)),
        restarts=workload in changed and _restarts(workload),
        is_written=True,
    )


def _manifest_interruption(name: str, body: Body, replicas: int) -> str:
    """Return whether replacing the pods of a manifest leaves it serving all along, and why not."""
    if body["kind"] not in TEMPLATED:
        return UNINTERRUPTED
    spec = body.get("spec") or {}
    strategy = spec.get("strategy") or spec.get("updateStrategy")
    # The server is yet to check the manifest.
    kind = strategy.get("type") if isinstance(strategy, Mapping) else None
    if kind not in (None, "RollingUpdate"):
        return f"interrupted, because {name} has the strategy {kind}"
    if body["kind"] == "StatefulSet" and replicas <= 1:
        return f"interrupted, because the only pod of {name} stops before the new one starts"
    if body["kind"] == "DaemonSet" and not _surges(spec):
        return (
            f"interrupted on each node in turn, because the pod of {name} there stops before the"
            " new one starts"
        )
    return UNINTERRUPTED


def _surges(spec: Mapping[str, Any]) -> bool:
    strategy = spec.get("updateStrategy")
    rolling = strategy.get("rollingUpdate") if isinstance(strategy, Mapping) else None
    return isinstance(rolling, Mapping) and bool(rolling.get("maxSurge"))


def superfluous(name: str, needed: Collection[Key], snapshot: Snapshot) -> Iterator[Key]:
    """Yield objects of a service that it does not need any more; volumes always stay."""
    for key in snapshot.of_services.get(name, ()):
        if key[0] in (SERVICE_KIND.name, NETWORK_POLICY.name) and key not in needed:
            yield key


def _restarts(workload: PlannedObject) -> bool:
    """Return whether a change of a workload replaces pods."""
    return _template_changes(workload) and update_strategy.replaces_pods(
        workload.wanted, _live_replicas(workload.live)
    )


def _template_changes(workload: PlannedObject) -> bool:
    live = {"spec": {}, **(workload.live or {})}
    if workload.kind.name not in TEMPLATED:
        return False
    # Defaults and webhooks change the template, too, and only the server knows how.
    if workload.predicted is not None:
        return bool(live["spec"].get("template") != workload.predicted["spec"].get("template"))
    template = live["spec"].get("template") or {"metadata": {}}
    return label(template, HASH) != label(workload.wanted["spec"]["template"], HASH)


def _changes(
    comparison: Comparison, name: str, changed: Sequence[PlannedObject], stale: Sequence[Key]
) -> Iterator[Change]:
    """Yield changes in the words of the spec where it is the spec that changed.

    Else in those of the object that was changed by hand.
    """
    former = _former_service(comparison, name)
    service = comparison.resolved.services[name]
    by_spec = list(differences("", _shown(former), _shown(service))) if former else []
    yield from by_spec
    if not by_spec:
        for entry in changed:
            yield from _of_object(entry)
        for key in stale:
            yield Change("/".join(key), "exists", None)


def _former_service(comparison: Comparison, name: str) -> Mapping[str, Any]:
    """Return the service as the release has it that wrote its workload last."""
    number = annotation(comparison.snapshot.workloads[name], RELEASE)
    writer = next((record for record in comparison.records if str(record.number) == number), None)
    return writer.resolved.services.get(name, {}) if writer else {}


def _of_object(entry: PlannedObject) -> Iterator[Change]:
    if entry.live is None:
        yield Change(entry.title, None, "made")
        return
    after, before = (
        _readable({"kind": entry.kind.name, **(entry.predicted or entry.wanted)}),
        _readable({"kind": entry.kind.name, **entry.live}),
    )
    yield from differences(
        entry.kind.name, before if entry.predicted else projected(before, after), after
    )


def _shown(service: Mapping[str, Any]) -> dict[str, Any]:
    if "manifest" in service:
        return dict(service["manifest"])
    return {key: value for key, value in service.items() if key not in _HIDDEN}


def _mode_of(kind: str) -> str:
    if kind == JOB.name:
        return job_services.REPLICATED_JOB
    return GLOBAL if kind == DAEMON_SET.name else REPLICATED


def _ports(body: Body) -> set[int]:
    """Return the ports of nodes that a workload takes."""
    if not is_standard(body):
        return set()
    template = (body.get("spec") or {}).get("template") or {}
    ports: set[int] = set()
    for container in (template.get("spec") or {}).get("containers") or []:
        listed = container.get("ports") or []
        ports.update(port["hostPort"] for port in listed if port.get("hostPort"))
    return ports
