# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What it takes to make an app on a cluster what its spec says.

Pure: from what was found to a plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._core.errors import PlanError, Problem
from ..._deploy.health import LIVE
from ..._deploy.history import Record, newest
from ..._deploy.plan import (
    CREATE,
    KEEP,
    UNINTERRUPTED,
    UPDATE,
    Change,
    Plan,
    ServicePlan,
    change_of_mode,
    interruption,
    leaving,
    start_first_on_host_port,
)
from ..._deploy.ports import Wishes
from ..._deploy.resolution import Resolved
from . import manifests, pod_security, render
from .api_kinds import (
    CLAIM,
    CONFIG_MAP,
    DAEMON_SET,
    HASH,
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
    label,
    projected,
    same,
    without_notes,
)
from .observe import Body, Found, Key

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
UNKNOWN = 1000


@dataclass(frozen=True)
class Entry:
    """One object that is wanted, what is there of it, and what the server says it would become."""

    service: str
    wanted: Body
    kind: Kind
    live: Body | None = None
    predicted: Body | None = None

    @property
    def key(self) -> Key:
        """Kind and name."""
        return self.wanted["kind"], self.wanted["metadata"]["name"]

    @property
    def title(self) -> str:
        """How people read of it."""
        return "/".join(self.key)

    @property
    def differs(self) -> bool:
        """Whether it may have to be written, as far as can be told from here."""
        return self.live is None or not is_applied(self.wanted, self.live)

    @property
    def is_there(self) -> bool:
        """Whether everything that is wanted of it is there, whoever wrote it and when."""
        return self.live is not None and covers(self.live, without_notes(self.wanted))

    @property
    def changed(self) -> bool:
        """Whether writing it changes anything."""
        if self.live is None:
            return True
        return self.differs and (self.predicted is None or not same(self.live, self.predicted))


def entries(app: str, resolved: Resolved, found: Found) -> list[Entry]:
    """Every object that is wanted, beside what is there."""
    bodies = [
        (name, body)
        for name in resolved.services
        for body in render.of_service(app, name, resolved)
    ]
    bodies += [("", body) for body in render.policies(app, resolved)]
    return [
        Entry(
            name,
            body,
            render.kind_of(body, resolved.services.get(name, {})),
            found.objects.get((body["kind"], body["metadata"]["name"])),
        )
        for name, body in bodies
    ]


def external(resolved: Resolved) -> list[Key]:
    """Others' objects that the app uses."""
    named = [
        *((SECRET.name, name) for name, entry in resolved.secrets.items() if entry.get("external")),
        *(
            (CONFIG_MAP.name, name)
            for name, entry in resolved.configs.items()
            if entry.get("external")
        ),
        *(
            (NETWORK_POLICY.name, name)
            for name, entry in resolved.networks.items()
            if entry.get("external")
        ),
    ]
    claims = {
        mount["source"]
        for service in resolved.services.values()
        for mount in service.get("volumes", [])
        if mount["type"] == "volume" and "source" in mount and "labels" not in mount
    }
    return [*named, *((CLAIM.name, name) for name in sorted(claims))]


_REMEDIES = {
    SECRET.name: ("secrets", "make it by kubectl create secret generic"),
    CONFIG_MAP.name: ("configs", "make it by kubectl create configmap"),
    NETWORK_POLICY.name: (
        "networks",
        "release the app that declares it first, or make a NetworkPolicy of that name",
    ),
    CLAIM.name: ("volumes", "make the PersistentVolumeClaim beforehand"),
}


def problems(
    app: str, resolved: Resolved, found: Found, wanted: Sequence[Entry], wishes: Wishes
) -> Iterator[Problem]:
    """Everything that stands in the way."""
    for kind, name in external(resolved):
        if (kind, name) not in found.strangers and (kind, name) not in found.objects:
            section, remedy = _REMEDIES[kind]
            yield Problem(
                f"{section}: {name}", f"is external and does not exist in the namespace; {remedy}"
            )
    for entry in wanted:
        stranger = found.strangers.get(entry.key)
        if stranger is not None and entry.live is None:
            yield _foreign(app, entry, stranger, wishes)
    level = pod_security.enforced(found.namespace)
    for name, service in resolved.services.items():
        for key, remedy in pod_security.violations(service, level):
            yield Problem(
                f"services.{name}.{key}",
                f"the namespace enforces the Pod Security Standard {level}; {remedy}",
            )


def _foreign(app: str, entry: Entry, stranger: Body, wishes: Wishes) -> Problem:
    place = (
        f"services.{entry.service}"
        if entry.service
        else f"networks: {entry.wanted['metadata']['name']}"
    )
    what = f"a {entry.kind.name} {entry.wanted['metadata']['name']} exists"
    other = label(stranger, "shipping.code/app")
    if other:
        return Problem(
            place,
            f"{what} that belongs to the app {other}; a name belongs to one app in a namespace, so"
            " rename one or use another namespace",
        )
    if wishes.adopt:
        return Problem(place, f"{what} that cannot be taken over as it is; rename one of them")
    return Problem(
        place,
        f"{what} that this collection did not make; set adopt: true to take it over, or rename one"
        " of them",
    )


def plan(
    app: str,
    resolved: Resolved,
    records: Sequence[Record],
    found: Found,
    wanted: Sequence[Entry],
    wishes: Wishes,
    noted: list[Problem],
) -> Plan:
    """Compare; raise :class:`PlanError` with everything in ``noted`` and everything else that stands in the way."""
    services = [
        _service(
            app,
            name,
            resolved,
            records,
            found,
            [entry for entry in wanted if entry.service == name],
            wishes,
            noted,
        )
        for name in resolved.services
    ]
    gone = [
        leaving(name, _ports(body), resolved.services)
        for name, body in found.workloads.items()
        if name not in resolved.services and body["kind"] not in manifests.LASTING
    ]
    if noted:
        raise PlanError(
            f"{app} cannot be released as it is described; nothing was touched",
            "\n" + "\n".join(f"  {problem}" for problem in noted),
            problems=[{"path": problem.path, "text": problem.text} for problem in noted],
        )
    networks = {entry.wanted["metadata"]["name"]: entry for entry in wanted if not entry.service}
    return Plan(
        services=(*services, *gone),
        create={
            "networks": tuple(name for name, entry in networks.items() if entry.changed),
            "volumes": tuple(
                sorted(
                    {
                        entry.wanted["metadata"]["name"]
                        for entry in wanted
                        if entry.kind is CLAIM and entry.live is None
                    }
                )
            ),
            "secrets": _missing(resolved.secrets, found.names(SECRET.name)),
            "configs": _missing(resolved.configs, found.names(CONFIG_MAP.name)),
        },
        remove={
            "networks": tuple(sorted(found.names(NETWORK_POLICY.name, POLICY) - set(networks)))
        },
        notes=tuple(
            f"{entry.title} changes in place: pods that read it at their start keep its former"
            " content until they restart"
            for entry in wanted
            if entry.kind in (SECRET, CONFIG_MAP) and entry.live is not None and entry.changed
        ),
        before=_before(app, records, found, wanted),
        after={entry.title: _readable(entry.wanted) for entry in wanted},
    )


def _missing(objects: Mapping[str, Mapping[str, Any]], there: set[str]) -> tuple[str, ...]:
    return tuple(
        name for name, entry in objects.items() if not entry.get("external") and name not in there
    )


def _before(
    app: str, records: Sequence[Record], found: Found, wanted: Sequence[Entry]
) -> dict[str, Any]:
    """What is there of everything that is declared, or was by the former release."""
    former = _former_bodies(app, records)
    shapes = {**{entry.key: entry.wanted for entry in wanted}, **former}
    result = {}
    for key, body in found.objects.items():
        if key in shapes:
            result["/".join(key)] = _readable(projected(body, shapes[key]))
    return result


def _readable(body: Body) -> dict[str, Any]:
    """An object for people: without our notes, and of a Secret nothing that is inside.

    Another content shows by its name in an annotation.
    """
    return {
        key: value
        for key, value in without_notes(body).items()
        if body["kind"] != SECRET.name or key not in ("data", "stringData")
    }


def _former_bodies(app: str, records: Sequence[Record]) -> dict[Key, Body]:
    live = newest(records, LIVE)
    if live is None:
        return {}
    bodies = [
        body
        for name in live.resolved.services
        for body in render.of_service(app, name, live.resolved)
    ]
    return {
        (body["kind"], body["metadata"]["name"]): body
        for body in [*bodies, *render.policies(app, live.resolved)]
    }


def _service(
    app: str,
    name: str,
    resolved: Resolved,
    records: Sequence[Record],
    found: Found,
    own: list[Entry],
    wishes: Wishes,
    noted: list[Problem],
) -> ServicePlan:
    want, workload = resolved.services[name], own[-1]
    there = found.workloads.get(name)
    machines = eligible(workload.wanted, found.nodes) if workload.kind in WORKLOADS else UNKNOWN
    if there is None:
        unfit = (
            start_first_on_host_port(
                name, want, want.get("deploy", {}).get("replicas", 1), machines
            )
            if machines
            else ""
        )
        if unfit:
            noted.append(Problem("", unfit))
        return ServicePlan(
            name,
            CREATE,
            (Change("image", None, want["image"]),) if want["image"] else (),
            restarts=True,
            interruption="new",
        )
    if there["kind"] != workload.kind.name:
        return change_of_mode(
            name,
            _mode_of(there["kind"]),
            _mode_of(workload.kind.name),
            name in wishes.recreate,
            noted,
        )
    stale = list(superfluous(name, own, found))
    changed = [entry for entry in own if entry.changed]
    if not changed and not stale:
        return ServicePlan(name, KEEP)
    restarts = workload in changed and _restarts(workload)
    replicas = (
        machines if workload.kind == DAEMON_SET else (there.get("spec") or {}).get("replicas", 1)
    )
    unfit = start_first_on_host_port(name, want, replicas, machines) if restarts else ""
    if unfit:
        noted.append(Problem("", unfit))
    changes = tuple(_changes(name, want, there, records, changed, stale))
    if not restarts:
        return ServicePlan(name, UPDATE, changes)
    how = (
        _manifest_interruption(name, workload.wanted, replicas)
        if "manifest" in want
        else interruption(name, want, replicas, machines)
    )
    return ServicePlan(name, UPDATE, changes, restarts, how)


def _manifest_interruption(name: str, body: Body, replicas: int) -> str:
    """Whether replacing the pods of a manifest leaves it serving all along, and why not."""
    spec = body.get("spec") or {}
    kind = (spec.get("strategy") or spec.get("updateStrategy") or {}).get("type", "RollingUpdate")
    if kind != "RollingUpdate":
        return f"interrupted, because {name} has the strategy {kind}"
    if body["kind"] == "StatefulSet" and replicas <= 1:
        return f"interrupted, because the only pod of {name} stops before the new one starts"
    if body["kind"] == "DaemonSet" and not (
        (spec.get("updateStrategy") or {}).get("rollingUpdate") or {}
    ).get("maxSurge"):
        return (
            f"interrupted on each machine in turn, because the pod of {name} there stops before the"
            " new one starts"
        )
    return UNINTERRUPTED


def superfluous(name: str, own: Iterable[Entry], found: Found) -> Iterator[Key]:
    """Objects of a service that it does not need any more; volumes always stay."""
    needed = {entry.key for entry in own}
    for key, body in found.objects.items():
        if (
            label(body, SERVICE) == name
            and key[0] in (SERVICE_KIND.name, NETWORK_POLICY.name)
            and key not in needed
        ):
            yield key


def _restarts(workload: Entry) -> bool:
    live = {"spec": {}, **(workload.live or {})}
    if workload.kind.name not in manifests.TEMPLATED:
        return False
    if workload.predicted is not None:
        return bool(live["spec"].get("template") != workload.predicted["spec"].get("template"))
    template = live["spec"].get("template") or {"metadata": {}}
    return label(template, HASH) != label(workload.wanted["spec"]["template"], HASH)


def _changes(
    name: str,
    want: Mapping[str, Any],
    there: Body,
    records: Sequence[Record],
    changed: list[Entry],
    stale: list[Key],
) -> Iterator[Change]:
    """In the words of the spec where it is the spec that changed, else in those of the object that somebody changed."""
    writer = next(
        (record for record in records if str(record.number) == annotation(there, RELEASE)), None
    )
    former = writer.resolved.services.get(name, {}) if writer else {}
    by_spec = list(differences("", _shown(former), _shown(want))) if former else []
    yield from by_spec
    if not by_spec:
        for entry in changed:
            yield from _of_object(entry)
        for key in stale:
            yield Change("/".join(key), "exists", None)


def _of_object(entry: Entry) -> Iterator[Change]:
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
    return (
        dict(service["manifest"])
        if "manifest" in service
        else {key: value for key, value in service.items() if key not in _HIDDEN}
    )


def _mode_of(kind: str) -> str:
    return "global" if kind == DAEMON_SET.name else "replicated"


def _ports(body: Body) -> set[int]:
    """The ports of machines that a workload takes."""
    containers = (((body.get("spec") or {}).get("template") or {}).get("spec") or {}).get(
        "containers"
    ) or []
    return {
        port["hostPort"]
        for container in containers
        for port in container.get("ports") or []
        if port.get("hostPort")
    }


def eligible(workload: Body, nodes: list[Body] | None) -> int:
    """How many machines may run a workload, as far as can be told.

    Many where nodes may not be read.
    """
    if nodes is None:
        return UNKNOWN
    pod = workload["spec"]["template"]["spec"]
    required = ((pod.get("affinity") or {}).get("nodeAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    ) or {}
    terms = required.get("nodeSelectorTerms") or [{}]
    return sum(_may_run(node, pod.get("nodeSelector") or {}, terms) for node in nodes)


def _may_run(node: Body, wanted: Mapping[str, str], terms: list[Mapping[str, Any]]) -> bool:
    labels = node["metadata"].get("labels") or {}
    spec = node.get("spec", {})
    closed = spec.get("unschedulable") or any(
        taint.get("effect") in ("NoSchedule", "NoExecute") for taint in spec.get("taints") or []
    )
    fits = all(labels.get(key) == value for key, value in wanted.items())
    return (
        not closed
        and fits
        and any(_matches(node["metadata"]["name"], labels, term) for term in terms)
    )


def _matches(name: str, labels: Mapping[str, str], term: Mapping[str, Any]) -> bool:
    fields = [({"metadata.name": name}, entry) for entry in term.get("matchFields", [])]
    return all(
        _holds(known, entry)
        for known, entry in [
            *fields,
            *((labels, entry) for entry in term.get("matchExpressions", [])),
        ]
    )


def _holds(known: Mapping[str, str], entry: Mapping[str, Any]) -> bool:
    there, value = entry["key"] in known, known.get(entry["key"])
    return {
        "In": value in entry.get("values", []),
        "NotIn": value not in entry.get("values", []),
        "Exists": there,
        "DoesNotExist": not there,
    }.get(entry["operator"], True)
