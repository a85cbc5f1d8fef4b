# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What it takes to make an app on a Swarm what its spec says.

Pure: from what was found to a plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..._core.errors import PlanError, Problem
from ..._deploy.health import LIVE
from ..._deploy.history import Record, newest
from ..._deploy.naming import service_name
from ..._deploy.plan import (
    CREATE,
    KEEP,
    RECREATE,
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
from .compare import targets
from .observe import APP, RELEASE, STACK, Found, is_own_network
from .spec_fields import FIELDS, PLACEMENT, Names, get

_DRIVER = "overlay"
START_INTERVAL_API = (1, 44)


def plan(
    app: str, resolved: Resolved, records: Sequence[Record], found: Found, wishes: Wishes
) -> Plan:
    """Compare the spec with what was found.

    Raise :class:`PlanError` with everything that stands in the way.
    """
    problems: list[Problem] = []
    adopted = _adopted(app, resolved, found, wishes, problems)
    have = {**found.services, **adopted}
    _check_networks(app, resolved, found, wishes, problems)
    _check_external(resolved, found, problems)
    renewed = _renewed_networks(app, resolved, found, wishes)
    services = [
        _service(name, resolved, records, have, found, wishes, renewed, name in adopted, problems)
        for name in resolved.services
    ]
    gone = [
        leaving(name, _ports(have[name]), resolved.services)
        for name in have
        if name not in resolved.services
    ]
    if problems:
        raise PlanError(
            f"{app} cannot be released as it is described; nothing was touched",
            "\n" + "\n".join(f"  {problem}" for problem in problems),
            problems=[{"path": problem.path, "text": problem.text} for problem in problems],
        )
    own = {
        network["Name"]
        for network in found.networks
        if is_own_network(app, network, wishes.adopt or bool(records))
    }
    names = found.names
    return Plan(
        services=(*services, *gone),
        create={
            "networks": tuple(
                name
                for name, entry in resolved.networks.items()
                if not entry.get("external") and (name not in names.networks or name in renewed)
            ),
            "secrets": tuple(
                name
                for name, entry in resolved.secrets.items()
                if not entry.get("external") and name not in names.secrets
            ),
            "configs": tuple(
                name
                for name, entry in resolved.configs.items()
                if not entry.get("external") and name not in names.configs
            ),
        },
        remove={"networks": tuple(sorted((own - set(resolved.networks)) | renewed))},
    )


def _is_own(app: str, labels: Mapping[str, str] | None) -> bool:
    return (labels or {}).get(APP) == app


def _of_stack(app: str, labels: Mapping[str, str] | None) -> bool:
    return (labels or {}).get(STACK) == app


def _adopted(
    app: str, resolved: Resolved, found: Found, wishes: Wishes, problems: list[Problem]
) -> dict[str, Any]:
    """Services of our names that are not ours yet.

    Taken over if asked and made by a stack, else problems.
    """
    result = {}
    for name in resolved.services:
        full = service_name(app, name)
        stranger = found.strangers.get(full)
        if stranger is None:
            continue
        if not _of_stack(app, stranger["Spec"].get("Labels")):
            problems.append(
                Problem(
                    f"services.{name}",
                    f"a service {full} exists that this collection did not make; rename one of"
                    " them",
                )
            )
        elif not wishes.adopt:
            problems.append(
                Problem(
                    f"services.{name}",
                    f"the service {full} was made by docker stack deploy; set adopt: true to take"
                    " it over",
                )
            )
        else:
            result[name] = stranger
    if wishes.adopt:
        _adopt_leaving(app, found, result)
    return result


def _adopt_leaving(app: str, found: Found, adopted: dict[str, Any]) -> None:
    """Services of the stack that the spec does not have leave with the take-over."""
    for full, stranger in found.strangers.items():
        name = full[len(app) + 1 :]
        if _of_stack(app, stranger["Spec"].get("Labels")) and name not in adopted:
            adopted[name] = stranger


def _check_networks(
    app: str, resolved: Resolved, found: Found, wishes: Wishes, problems: list[Problem]
) -> None:
    known = {network["Name"]: network for network in found.networks}
    for name, entry in resolved.networks.items():
        network = known.get(name)
        if entry.get("external"):
            if network is None:
                problems.append(
                    Problem(
                        f"networks: {name}",
                        "is external and does not exist on this Swarm; make it by docker network"
                        " create -d overlay",
                    )
                )
            elif network.get("Scope") != "swarm":
                problems.append(
                    Problem(
                        f"networks: {name}",
                        f"is external and of one machine only (driver {network.get('Driver')});"
                        " services need an overlay network",
                    )
                )
        elif network is not None:
            problems.extend(_network_problems(app, name, entry, network, found, wishes))


def _network_problems(
    app: str,
    name: str,
    entry: Mapping[str, Any],
    network: Mapping[str, Any],
    found: Found,
    wishes: Wishes,
) -> Iterable[Problem]:
    labels = network.get("Labels")
    if not _is_own(app, labels) and not _of_stack(app, labels):
        yield Problem(
            f"networks: {name}",
            "exists already and is not of this app; declare it external, or give this one another"
            " name",
        )
        return
    changed = [
        f"{key} from {have} to {want}"
        for key, have, want in _network_differences(entry, network)
        if have != want
    ]
    if changed and name not in wishes.recreate:
        users = sorted(service for service, body in found.services.items() if _uses(body, network))
        yield Problem(
            f"networks: {name}",
            f"a network cannot change in place ({', '.join(changed)}); it is used by"
            f" {', '.join(users) or 'no service'}. Give it another name, or set recreate: [{name}],"
            " which interrupts them",
        )


def _network_differences(
    entry: Mapping[str, Any], network: Mapping[str, Any]
) -> list[tuple[str, Any, Any]]:
    options = {
        key: value
        for key, value in (network.get("Options") or {}).items()
        if key != "com.docker.network.driver.overlay.vxlanid_list"
    }
    return [
        ("driver", network.get("Driver"), entry.get("driver", _DRIVER)),
        ("driver_opts", options, entry.get("driver_opts", {})),
        ("attachable", bool(network.get("Attachable")), bool(entry.get("attachable"))),
        ("internal", bool(network.get("Internal")), bool(entry.get("internal"))),
    ]


def _renewed_networks(app: str, resolved: Resolved, found: Found, wishes: Wishes) -> set[str]:
    known = {network["Name"]: network for network in found.networks}
    return {
        name
        for name, entry in resolved.networks.items()
        if name in wishes.recreate
        and name in known
        and any(have != want for _key, have, want in _network_differences(entry, known[name]))
    }


def _uses(body: Mapping[str, Any], network: Mapping[str, Any]) -> bool:
    attached = get(body, "Spec.TaskTemplate.Networks") or []
    return any(entry.get("Target") in (network["Id"], network["Name"]) for entry in attached)


def _check_external(resolved: Resolved, found: Found, problems: list[Problem]) -> None:
    names = found.names
    for section, known in (("secrets", names.secrets), ("configs", names.configs)):
        for name, entry in getattr(resolved, section).items():
            if entry.get("external") and name not in known:
                problems.append(
                    Problem(
                        f"{section}: {name}",
                        "is external and does not exist on this Swarm; make it by docker"
                        f" {section[:-1]} create",
                    )
                )


def _service(
    name: str,
    resolved: Resolved,
    records: Sequence[Record],
    have: Mapping[str, Any],
    found: Found,
    wishes: Wishes,
    renewed: set[str],
    adopted: bool,
    problems: list[Problem],
) -> ServicePlan:
    want = resolved.services[name]
    body = have.get(name)
    machines = eligible(want, found)
    if body is None:
        unfit = (
            start_first_on_host_port(
                name, want, want.get("deploy", {}).get("replicas", 1), machines
            )
            if machines
            else ""
        )
        if unfit:
            problems.append(Problem("", unfit))
        return ServicePlan(
            name, CREATE, (Change("image", None, want["image"]),), restarts=True, interruption="new"
        )
    mode = "global" if "Global" in body["Spec"].get("Mode", {}) else "replicated"
    wanted_mode = get(want, "deploy.mode") or "replicated"
    networks = sorted(set(want.get("networks", {})) & renewed)
    if mode != wanted_mode or networks:
        return _recreated(name, mode, wanted_mode, networks, wishes, problems)
    differences = targets(
        want, former(name, body["Spec"], records, found.names), body["Spec"], found.names
    )
    changes = tuple(change for _field, _target, listed in differences for change in listed)
    restarts = any(
        field.in_task and field not in PLACEMENT for field, _target, _listed in differences
    )
    replicas = get(body, "Spec.Mode.Replicated.Replicas") or machines
    unfit = start_first_on_host_port(name, want, replicas, machines) if restarts else ""
    if unfit:
        problems.append(Problem("", unfit))
    if get(body, "UpdateStatus.State") == "paused" and not changes:
        return ServicePlan(
            name,
            UPDATE,
            (Change("update", "paused", "resumed"),),
            True,
            interruption(name, want, replicas, machines),
        )
    if not changes and not adopted:
        return ServicePlan(name, KEEP)
    text = interruption(name, want, replicas, machines) if restarts else "without interruption"
    return ServicePlan(name, UPDATE, changes, restarts, text)


def former(
    name: str, spec: Mapping[str, Any], records: Iterable[Record], names: Names
) -> Mapping[str, Any]:
    """What is owned of a service so far.

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
    """Everything that ``docker stack deploy`` can have declared in a service.

    As a resolved service.
    """
    result: dict[str, Any] = {}
    for field in FIELDS:
        value = field.read(spec, names)
        if value in (None, {}, field.default) or field.key == "deploy.replicas":
            continue
        if field.keyed and isinstance(value, dict):
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


def _recreated(
    name: str, mode: str, wanted: str, networks: list[str], wishes: Wishes, problems: list[Problem]
) -> ServicePlan:
    """A service that must be made anew, which is done only if asked."""
    if networks:
        why = f"its network {networks[0]} is made anew"
        return ServicePlan(
            name,
            RECREATE,
            (Change("networks", networks, networks),),
            True,
            f"interrupted, because {why}",
        )
    return change_of_mode(name, mode, wanted, name in wishes.recreate, problems)


def _ports(body: Mapping[str, Any]) -> set[int]:
    """The ports that a service publishes."""
    return {
        port["PublishedPort"]
        for port in get(body, "Spec.EndpointSpec.Ports") or []
        if port.get("PublishedPort")
    }


def eligible(service: Mapping[str, Any], found: Found) -> int:
    """How many machines may run a service, by the constraints that can be told from here."""
    constraints = get(service, "deploy.placement.constraints") or []
    active = [
        node
        for node in found.nodes
        if get(node, "Spec.Availability") == "active" and get(node, "Status.State") == "ready"
    ]
    return sum(all(_matches(node, constraint) for constraint in constraints) for node in active)


_ATTRIBUTES = {
    "node.id": "ID",
    "node.hostname": "Description.Hostname",
    "node.role": "Spec.Role",
    "node.platform.os": "Description.Platform.OS",
    "node.platform.arch": "Description.Platform.Architecture",
}


def _matches(node: Mapping[str, Any], constraint: str) -> bool:
    """Whether a machine meets one constraint (moby/swarmkit manager/constraint)."""
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
    return (str(have).lower() == wanted.lower()) == (operator == "==")


def check_version(resolved: Resolved, api: tuple[int, ...]) -> None:
    """Raise where a key is newer than the engine's API, which would drop it silently."""
    late = [
        name
        for name, service in resolved.services.items()
        if "start_interval" in service.get("healthcheck", {})
    ]
    if late and api < START_INTERVAL_API:
        version, needed = ".".join(map(str, api)), ".".join(map(str, START_INTERVAL_API))
        paths = ", ".join(f"services.{name}.healthcheck.start_interval" for name in late)
        raise PlanError(
            f"{paths} needs engine API {needed}",
            f"this engine speaks {version} and would ignore it",
            "Leave it out, or upgrade the engine",
        )
