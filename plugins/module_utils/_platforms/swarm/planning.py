# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan the changes of an app on a Swarm.

Pure: from what was found to a plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..._compose import job_services
from ..._compose.service_routes import ROUTER_NETWORK
from ..._compose.short_syntax import INSTEAD_OF_RELATIVE, OF_CONTROL_NODE
from ..._core.errors import Problem
from ..._deploy import job_runs
from ..._deploy.health import LIVE
from ..._deploy.history import Record, newest
from ..._deploy.plan import (
    KEEP,
    LEFT,
    RECREATE,
    REMOVE,
    RUN,
    UPDATE,
    Change,
    Plan,
    ServicePlan,
    interruption,
)
from ..._deploy.ports import Wishes
from ..._deploy.resolution import Resolved
from ..._deploy.service_diff import (
    REPLICATED,
    Declared,
    Existing,
    objects_to_create,
    raise_problems,
    removed_services,
    service_plan,
)
from . import job_mode, network_addresses, published_ports, volume_changes
from .compare import targets
from .observe import APP, RELEASE, STACK, Snapshot, is_own_network, states
from .service_names import service_name
from .spec_fields import FIELDS, PLACEMENT, Names, get

_DRIVER = "overlay"


@dataclass(frozen=True)
class Comparison:
    """An app's spec and history, the found objects, and the permissions of the run."""

    app: str
    resolved: Resolved
    records: Sequence[Record]
    snapshot: Snapshot
    wishes: Wishes


def plan(
    app: str, resolved: Resolved, records: Sequence[Record], snapshot: Snapshot, wishes: Wishes
) -> Plan:
    """Compare the spec with what was found; raise PlanError with everything in the way."""
    comparison = Comparison(app, resolved, records, snapshot, wishes)
    problems: list[Problem] = []
    adopted = _adopted(comparison, problems)
    bodies = {**snapshot.services, **adopted}
    fixed, notes = _in_place(comparison)
    problems += _external_in_the_way(comparison)
    problems += _relative_binds(comparison)
    problems += fixed
    recreated = _recreated_networks(comparison)
    created = objects_to_create(resolved.networks, set(snapshot.names.networks) - recreated)
    if not wishes.going_back:
        problems += network_addresses.overlaps(resolved, snapshot.networks, created, recreated)
    services = _services(comparison, bodies, recreated, problems)
    raise_problems(app, problems)
    own = {
        network["Name"]
        for network in snapshot.networks
        if is_own_network(app, network, adopted=wishes.adopt or bool(records))
    }
    names = snapshot.names
    return Plan(
        services=tuple(services),
        create={
            "networks": created,
            "secrets": objects_to_create(resolved.secrets, names.secrets),
            "configs": objects_to_create(resolved.configs, names.configs),
        },
        remove={"networks": tuple(sorted((own - set(resolved.networks)) | recreated))},
        notes=tuple(notes),
    )


def _in_place(comparison: Comparison) -> tuple[list[Problem], list[str]]:
    """Return changes that are impossible in place: the problems, and the notes."""
    snapshot, resolved = comparison.snapshot, comparison.resolved
    nodes = {name: eligible_nodes(body, snapshot) for name, body in resolved.services.items()}
    uses = volume_changes.volume_uses(comparison.app, resolved, snapshot, nodes)
    fixed = [*_changed_networks(comparison), *volume_changes.problems(uses, snapshot)]
    notes = list(volume_changes.notes(uses, snapshot.node_name))
    if comparison.wishes.going_back:
        return [], [*map(str, fixed), *notes]
    return fixed, notes


def _external_in_the_way(comparison: Comparison) -> Iterator[Problem]:
    """Return what others have: networks, secrets and configs, and published ports."""
    yield from _networks_in_the_way(comparison)
    yield from _missing_external(comparison.resolved, comparison.snapshot)
    if not comparison.wishes.going_back:
        yield from published_ports.taken(comparison.resolved, _other_services(comparison))


def _relative_binds(comparison: Comparison) -> Iterator[Problem]:
    """Return the paths of the control node that are mounted, where several nodes may run them."""
    count = len(comparison.snapshot.nodes)
    if count > 1:
        for place, path in comparison.wishes.relative_binds.items():
            text = f"{path} {OF_CONTROL_NODE}, and this Swarm has {count} nodes"
            yield Problem(place, f"{text}; {INSTEAD_OF_RELATIVE}")


def _other_services(comparison: Comparison) -> Iterator[Mapping[str, Any]]:
    """Return the services of others, without those that are in the way themselves."""
    app, snapshot = comparison.app, comparison.snapshot
    own = {service_name(app, name) for name in comparison.resolved.services}
    own.update(body["Spec"]["Name"] for body in snapshot.services.values())
    for body in snapshot.all_services:
        leaves = comparison.wishes.adopt and _of_stack(app, body["Spec"].get("Labels"))
        if body["Spec"]["Name"] not in own and not leaves:
            yield body


def _services(
    comparison: Comparison,
    bodies: Mapping[str, Mapping[str, Any]],
    recreated: set[str],
    problems: list[Problem],
) -> list[ServicePlan]:
    """Return what happens to each service, in an order in which the ports are free."""
    resolved, wishes = comparison.resolved, comparison.wishes
    services = [
        _service(comparison, name, bodies.get(name), recreated, problems)
        for name in resolved.services
    ]
    ports = {
        name: {number for number, _protocol in published_ports.held_ports(body)}
        for name, body in bodies.items()
    }
    removed = removed_services(ports, resolved.services)
    # A rollback may interrupt a service that ``recreate`` does not name.
    recreate = frozenset(resolved.services) if wishes.going_back else wishes.recreate
    return published_ports.in_order(resolved, bodies, [*services, *removed], recreate, problems)


def _is_own(app: str, labels: Mapping[str, str] | None) -> bool:
    return (labels or {}).get(APP) == app


def _of_stack(app: str, labels: Mapping[str, str] | None) -> bool:
    return (labels or {}).get(STACK) == app


def _adopted(comparison: Comparison, problems: list[Problem]) -> dict[str, Any]:
    """Return services of our names that are not ours yet, and that are taken over.

    That is where the user wants it and a stack made them; all others are problems.
    """
    app, snapshot, wishes = comparison.app, comparison.snapshot, comparison.wishes
    result = {}
    for name in comparison.resolved.services:
        full = service_name(app, name)
        unmanaged_body = snapshot.unmanaged.get(full)
        if unmanaged_body is None:
            continue
        if not _of_stack(app, unmanaged_body["Spec"].get("Labels")):
            text = (
                f"a service {full} exists that this collection does not manage; rename one of them"
            )
            problems.append(Problem(f"services.{name}", text))
        elif not wishes.adopt:
            text = (
                f"the service {full} was made by docker stack deploy; set adopt: true to take it"
                " over"
            )
            problems.append(Problem(f"services.{name}", text))
        else:
            result[name] = unmanaged_body
    if wishes.adopt:
        _adopt_leaving(app, snapshot, result)
    return result


def _adopt_leaving(app: str, snapshot: Snapshot, adopted: dict[str, Any]) -> None:
    """Add services of the stack that the spec lacks, so that the take-over removes them."""
    for full, unmanaged_body in snapshot.unmanaged.items():
        name = full[len(app) + 1 :]
        if _of_stack(app, unmanaged_body["Spec"].get("Labels")) and name not in adopted:
            adopted[name] = unmanaged_body


def _networks_in_the_way(comparison: Comparison) -> Iterator[Problem]:
    known = {network["Name"]: network for network in comparison.snapshot.networks}
    for name, entry in comparison.resolved.networks.items():
        network = known.get(name)
        if entry.get("external"):
            yield from _external_network(name, network)
        elif network is not None and not _is_apps(comparison.app, network):
            yield Problem(
                f"networks: {name}",
                "exists already and is not of this app; declare it external, or give this one"
                " another name",
            )


def _is_apps(app: str, network: Mapping[str, Any]) -> bool:
    labels = network.get("Labels")
    return _is_own(app, labels) or _of_stack(app, labels)


def _changed_networks(comparison: Comparison) -> Iterator[Problem]:
    """Return the app's own networks that differ from the spec and may not be recreated."""
    known = {network["Name"]: network for network in comparison.snapshot.networks}
    for name, entry in comparison.resolved.networks.items():
        network = known.get(name)
        is_own = network is not None and not entry.get("external")
        if network is not None and is_own and _is_apps(comparison.app, network):
            yield from _own_network(comparison, name, entry, network)


def _external_network(name: str, network: Mapping[str, Any] | None) -> Iterator[Problem]:
    if network is None and name == ROUTER_NETWORK:
        yield Problem(
            f"networks: {name}",
            "does not exist on this Swarm, and the routes need it; deploy the router with the"
            " playbook shipping.code.router",
        )
    elif network is None:
        yield Problem(
            f"networks: {name}",
            "is external and does not exist on this Swarm; create it with docker network create -d"
            " overlay",
        )
    elif network.get("Scope") != "swarm":
        yield Problem(
            f"networks: {name}",
            f"is external and of one node only (driver {network.get('Driver')}); services need"
            " an overlay network",
        )


def _own_network(
    comparison: Comparison, name: str, entry: Mapping[str, Any], network: Mapping[str, Any]
) -> Iterator[Problem]:
    changed = [
        f"{key} from {have} to {want}"
        for key, have, want in _network_differences(comparison, name, entry, network)
        if have != want
    ]
    if changed and name not in comparison.wishes.recreate:
        services = comparison.snapshot.services
        users = sorted(service for service, body in services.items() if _uses(body, network))
        yield Problem(
            f"networks: {name}",
            f"a network cannot change in place ({', '.join(changed)}); it is used by"
            f" {', '.join(users) or 'no service'}. Give it another name, or set recreate: [{name}],"
            " which interrupts them",
        )


def _network_differences(
    comparison: Comparison, name: str, entry: Mapping[str, Any], network: Mapping[str, Any]
) -> list[tuple[str, Any, Any]]:
    # The manager adds the VXLAN ids that it allocates to the options of an overlay network.
    options = {
        key: value
        for key, value in (network.get("Options") or {}).items()
        if key != "com.docker.network.driver.overlay.vxlanid_list"
    }
    labels, existing = entry.get("labels", {}), network.get("Labels") or {}
    live = newest(comparison.records, LIVE)
    before = live.resolved.networks.get(name, {}) if live else {}
    # Labels that others set are theirs; a network takes none after it was made.
    owned = sorted({**before.get("labels", {}), **labels})
    addresses = network_addresses.differences(
        network, entry.get("ipam", {}), before.get("ipam", {})
    )
    return [
        *((f"labels.{key}", existing.get(key), labels.get(key)) for key in owned),
        ("driver", network.get("Driver"), entry.get("driver", _DRIVER)),
        ("driver_opts", options, entry.get("driver_opts", {})),
        ("attachable", bool(network.get("Attachable")), bool(entry.get("attachable"))),
        ("internal", bool(network.get("Internal")), bool(entry.get("internal"))),
        *addresses,
    ]


def _recreated_networks(comparison: Comparison) -> set[str]:
    known = {network["Name"]: network for network in comparison.snapshot.networks}
    networks = comparison.resolved.networks
    candidates = set(networks) & comparison.wishes.recreate & set(known)
    return {
        name
        for name in candidates
        if any(
            have != want
            for _key, have, want in _network_differences(
                comparison, name, networks[name], known[name]
            )
        )
    }


def _uses(body: Mapping[str, Any], network: Mapping[str, Any]) -> bool:
    attached = get(body, "Spec.TaskTemplate.Networks") or []
    return any(entry.get("Target") in (network["Id"], network["Name"]) for entry in attached)


def _missing_external(resolved: Resolved, snapshot: Snapshot) -> Iterator[Problem]:
    names = snapshot.names
    for section, known in (("secrets", names.secrets), ("configs", names.configs)):
        for name, entry in getattr(resolved, section).items():
            if entry.get("external") and name not in known:
                yield Problem(
                    f"{section}: {name}",
                    "is external and does not exist on this Swarm; create it with docker"
                    f" {section[:-1]} create",
                )


def _service(
    comparison: Comparison,
    name: str,
    body: Mapping[str, Any] | None,
    recreated: set[str],
    problems: list[Problem],
) -> ServicePlan:
    service = comparison.resolved.services[name]
    nodes = eligible(service, comparison.snapshot)
    declared = Declared(name, service, get(service, "deploy.mode") or REPLICATED, nodes)
    recreate = comparison.wishes.recreate
    if job_services.is_job(service):
        return _job(comparison, declared, body, problems)
    if body is None:
        return service_plan(declared, None, recreate, problems)
    networks = sorted(set(service.get("networks", {})) & recreated)
    if networks:
        return _recreated_for_network(name, networks)
    existing = _existing(comparison, declared, body)
    # Without a difference a service would be left alone, and its paused update would stay so.
    is_paused = get(body, "UpdateStatus.State") == "paused"
    if is_paused and not existing.changes and existing.mode == declared.mode:
        return _resumed(declared, existing)
    return service_plan(declared, existing, recreate, problems)


def _job(
    comparison: Comparison,
    declared: Declared,
    body: Mapping[str, Any] | None,
    problems: list[Problem],
) -> ServicePlan:
    """Return what happens to a job: it runs once for each content, in a rollback if declared so."""
    name, wishes = declared.name, comparison.wishes
    if job_runs.stays_alone(declared.service, wishes):
        # One that failed or still runs would continue beside the release that is restored.
        action = KEEP if _progress(comparison, name) in ("", job_runs.COMPLETED) else REMOVE
        return ServicePlan(name, action, done=LEFT)
    runs_again = name in wishes.recreate
    if job_runs.is_left(name, declared.service, comparison.records, wishes) and not runs_again:
        return ServicePlan(name, KEEP, done=LEFT)
    existing = _existing(comparison, declared, body) if body else None
    if existing is None or existing.mode != declared.mode:
        return service_plan(declared, existing, wishes.recreate, problems)
    reached = job_runs.FAILED if runs_again else _progress(comparison, name, body)
    return _existing_job(name, existing, reached)


def _existing_job(name: str, existing: Existing, reached: str) -> ServicePlan:
    # Only a job that is adopted is to be written without a change.
    if existing.is_written and reached == job_runs.COMPLETED and not _differs(existing):
        return _adopted_job(name)
    return job_runs.plan(name, existing, reached)


def _differs(existing: Existing) -> bool:
    """Return whether a job of a stack is another one than the app's."""
    # Docker's client adds the platforms of the image that it resolved (docker/cli, stack deploy).
    return any(change.path != "platform" or change.after for change in existing.changes)


def _adopted_job(name: str) -> ServicePlan:
    """Return that a job which has run for its stack does not run for the app.

    Our labels would run it again, so the history has it in place of the engine.
    """
    return ServicePlan(
        name,
        REMOVE,
        interruption=f"removed, because {name} has run already, and adopting it would run it again",
        done=RUN,
    )


def _progress(comparison: Comparison, name: str, body: Mapping[str, Any] | None = None) -> str:
    """Return how far a job has come; empty without such a service, or if it is not a job.

    ``body`` is that of a service that is not the app's yet.
    """
    snapshot = comparison.snapshot
    if body is not None:
        snapshot = replace(snapshot, services={**snapshot.services, name: dict(body)})
    found = states(comparison.app, snapshot, comparison.resolved, 0.0).get(name)
    return job_runs.progress(found) if found and found.job else ""


def _existing(comparison: Comparison, declared: Declared, body: Mapping[str, Any]) -> Existing:
    snapshot = comparison.snapshot
    before = former(declared.name, body["Spec"], comparison.records, snapshot.names)
    changes: list[Change] = []
    restarts = False
    for field, _target, listed in targets(declared.service, before, body["Spec"], snapshot.names):
        changes += listed
        # A change of placement moves only the tasks whose node no longer fits.
        restarts = restarts or (field.in_task and field not in PLACEMENT)
    return Existing(
        job_mode.mode(body["Spec"]),
        get(body, "Spec.Mode.Replicated.Replicas") or declared.eligible,
        tuple(changes),
        restarts=restarts,
        # A service that is taken over gets our labels, also where nothing else changes.
        is_written=declared.name not in snapshot.services,
    )


def _resumed(declared: Declared, existing: Existing) -> ServicePlan:
    """Return the plan of a service whose update the engine has paused."""
    return ServicePlan(
        declared.name,
        UPDATE,
        (Change("update", "paused", "resumed"),),
        True,
        interruption(declared.name, declared.service, existing.replicas, declared.eligible),
    )


def _recreated_for_network(name: str, networks: list[str]) -> ServicePlan:
    return ServicePlan(
        name,
        RECREATE,
        (Change("networks", networks, networks),),
        True,
        f"interrupted, because its network {networks[0]} is recreated",
    )


def former(
    name: str, spec: Mapping[str, Any], records: Iterable[Record], names: Names
) -> Mapping[str, Any]:
    """Return what is owned of a service so far.

    That is what the release declared that wrote it last (or, where its record has left the history,
    the newest live one, which kept it), or everything of a stack's service that is taken over.
    """
    labels = spec.get("Labels") or {}
    if APP not in labels:
        return stack_declared(spec, names)
    known = list(records)
    writer = next(
        (record for record in known if str(record.number) == labels.get(RELEASE)), None
    ) or newest(known, LIVE)
    return writer.resolved.services.get(name, {}) if writer else {}


def stack_declared(spec: Mapping[str, Any], names: Names) -> dict[str, Any]:
    """Return a resolved service with all that ``docker stack deploy`` can have declared."""
    result: dict[str, Any] = {}
    for field in FIELDS:
        value = field.read(spec, names)
        # The engine fills in a number of replicas where a stack declares none, and docker service
        # scale changes it: it does not show what was declared.
        if value in (None, {}, field.default) or field.key == "deploy.replicas":
            continue
        if field.keyed and isinstance(value, dict):
            # docker stack ps and docker stack rm find the stack by its labels, so they stay.
            value = {
                key: item
                for key, item in value.items()
                if not str(key).startswith("com.docker.stack.")
            }
        _put_declared(
            result,
            field.key,
            (
                list(value.values())
                if field.key in ("volumes", "secrets", "configs", "ports")
                else value
            ),
        )
    return result


def _put_declared(tree: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    for parent in parents:
        tree = tree.setdefault(parent, {})
    tree[last] = value


def eligible(service: Mapping[str, Any], snapshot: Snapshot) -> int:
    """Return how many nodes may run a service, by the constraints that are known here."""
    return len(eligible_nodes(service, snapshot))


def eligible_nodes(service: Mapping[str, Any], snapshot: Snapshot) -> list[str]:
    """Return the ids of the nodes that may run a service."""
    constraints = get(service, "deploy.placement.constraints") or []
    active = [
        node
        for node in snapshot.nodes
        if get(node, "Spec.Availability") == "active" and get(node, "Status.State") == "ready"
    ]
    return [
        node["ID"]
        for node in active
        if all(_matches(node, constraint) for constraint in constraints)
    ]


_ATTRIBUTES = {
    "node.id": "ID",
    "node.hostname": "Description.Hostname",
    "node.role": "Spec.Role",
    "node.platform.os": "Description.Platform.OS",
    "node.platform.arch": "Description.Platform.Architecture",
}


def _matches(node: Mapping[str, Any], constraint: str) -> bool:
    """Return whether a node meets one constraint (moby/swarmkit manager/constraint)."""
    operator = "!=" if "!=" in constraint else "=="
    name, _operator, wanted = (part.strip() for part in constraint.partition(operator))
    if name in _ATTRIBUTES:
        have = get(node, _ATTRIBUTES[name]) or ""
    elif name.startswith("node.labels."):
        have = (get(node, "Spec.Labels") or {}).get(name[len("node.labels.") :], "")
    elif name.startswith("engine.labels."):
        have = (get(node, "Description.Engine.Labels") or {}).get(name[len("engine.labels.") :], "")
    else:
        return True
    # As swarmkit does: a label that a node lacks counts as empty, and case does not matter
    # (manager/constraint/constraint.go).
    return (str(have).lower() == wanted.lower()) == (operator == "==")
