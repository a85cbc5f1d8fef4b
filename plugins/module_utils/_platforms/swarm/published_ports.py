# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Predict which published ports a Swarm rejects, and in which order it takes them. Pure.

The rules are swarmkit's (manager/controlapi/service.go, checkPortConflicts): a port that one
service publishes through the ingress belongs to it on the whole Swarm. Services that publish one
port in host mode share it; the scheduler keeps them on different nodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import replace
from typing import Any

from ..._core.errors import Problem
from ..._deploy.plan import KEEP, RECREATE, REMOVE, ServicePlan
from ..._deploy.resolution import Resolved
from .spec_fields import get

# The number and the protocol -> the mode.
Ports = dict[tuple[int, str], str]
_INGRESS = "ingress"
# Service -> those that have to be written before it.
Order = dict[str, set[str]]


def declared_ports(service: Mapping[str, Any]) -> Ports:
    """Return the ports with a fixed number that a resolved service publishes."""
    return {
        (port["published"], port["protocol"]): port["mode"]
        for port in service.get("ports", [])
        if "published" in port
    }


def held_ports(body: Mapping[str, Any]) -> Ports:
    """Return the ports of an existing service, also those whose numbers the Swarm chose."""
    declared = get(body, "Spec.EndpointSpec.Ports") or []
    free = [_target(port) for port in declared if not port.get("PublishedPort")]
    # Endpoint follows a change of the spec a moment later, so it is read for free numbers alone.
    chosen = [port for port in get(body, "Endpoint.Ports") or [] if _target(port) in free]
    published = [port for port in (*declared, *chosen) if port.get("PublishedPort")]
    return {
        (port["PublishedPort"], _protocol(port)): port.get("PublishMode", _INGRESS)
        for port in published
    }


def _target(port: Mapping[str, Any]) -> tuple[Any, Any]:
    return port.get("TargetPort"), _protocol(port)


def _protocol(port: Mapping[str, Any]) -> str:
    return str(port.get("Protocol") or "tcp")


def shared(one: Ports, other: Ports) -> list[tuple[int, str]]:
    """Return the ports that two services cannot both publish."""
    return sorted(key for key in one.keys() & other.keys() if _INGRESS in (one[key], other[key]))


def taken(resolved: Resolved, others: Iterable[Mapping[str, Any]]) -> Iterator[Problem]:
    """Return the ports that services outside the app hold."""
    held = [(body["Spec"]["Name"], held_ports(body)) for body in others]
    for name, service in resolved.services.items():
        ports = declared_ports(service)
        for holder, theirs in held:
            for number, protocol in shared(ports, theirs):
                yield Problem(
                    f"services.{name}.ports",
                    f"port {number}/{protocol} is published by the service {holder} already, which"
                    " is not of this app. Publish another port, or free this one there",
                )


def in_order(
    resolved: Resolved,
    bodies: Mapping[str, Mapping[str, Any]],
    plans: Iterable[ServicePlan],
    recreate: Set[str],
    problems: list[Problem],
) -> list[ServicePlan]:
    """Return the plans with the order in which ports change hands.

    Services that wait for each other are a problem, unless one of those in ``recreate`` is removed
    first.
    """
    planned = {plan.name: plan for plan in plans}
    for circle in _circles(_order(resolved, bodies, planned), resolved):
        renewed = sorted(circle & recreate & bodies.keys())
        if renewed:
            planned[renewed[0]] = _recreated(planned[renewed[0]])
    order = _order(resolved, bodies, planned)
    problems += _kept(order, planned)
    problems += [_circle_problem(circle, order) for circle in _circles(order, resolved)]
    return [
        replace(plan, after=tuple(sorted(order.get(plan.name, ())))) for plan in planned.values()
    ]


def _kept(order: Order, plans: Mapping[str, ServicePlan]) -> Iterator[Problem]:
    """Return the ports of services that keep them, since the spec does not say otherwise."""
    for name, holders in order.items():
        for holder in sorted(holders):
            if plans[holder].action == KEEP:
                yield Problem(
                    f"services.{name}.ports",
                    f"{holder} keeps one of these ports, which was published by hand or has a"
                    " number that the Swarm chose. Publish another port, or declare the port of"
                    f" {holder} with a number",
                )


def _recreated(plan: ServicePlan) -> ServicePlan:
    text = (
        f"interrupted, because another service takes a port of {plan.name}, which is removed first"
    )
    return replace(plan, action=RECREATE, restarts=True, interruption=text)


def _order(
    resolved: Resolved,
    bodies: Mapping[str, Mapping[str, Any]],
    plans: Mapping[str, ServicePlan],
) -> Order:
    """Return for each service the others that give up a port before it is written."""
    # A service that is removed or recreated gives its ports up before anything is written.
    holding = {
        name: held_ports(body)
        for name, body in bodies.items()
        if plans[name].action not in (REMOVE, RECREATE)
    }
    order: Order = {}
    for name, service in resolved.services.items():
        if plans[name].action != KEEP:
            ports = declared_ports(service)
            holders = {other for other, theirs in holding.items() if shared(ports, theirs)}
            order[name] = holders - {name}
    return order


def _circles(order: Order, resolved: Resolved) -> list[frozenset[str]]:
    """Return the services that wait for each other, by their ports or by ``depends_on``."""
    waits: dict[str, set[str]] = {
        name: order.get(name, set()) | set(service.get("depends_on", {}))
        for name, service in resolved.services.items()
    }
    found = {_circle(name, waits) for name, before in order.items() if before}
    return sorted((circle for circle in found if circle), key=sorted)


def _circle(name: str, waits: Mapping[str, Set[str]]) -> frozenset[str]:
    """Return all services that a service waits for and that wait for it."""
    return frozenset(other for other in _reached(name, waits) if name in _reached(other, waits))


def _reached(name: str, waits: Mapping[str, Set[str]]) -> set[str]:
    reached: set[str] = set()
    ahead = set(waits.get(name, ()))
    while ahead:
        reached |= ahead
        following: set[str] = set()
        for other in ahead:
            following |= waits.get(other, set())
        ahead = following - reached
    return reached


def _circle_problem(circle: frozenset[str], order: Order) -> Problem:
    first = next(name for name in sorted(circle) if order.get(name, set()) & circle)
    holder = min(order[first] & circle)
    return Problem(
        f"services.{first}.ports",
        f"a port of {holder} cannot move to {first} in one release: {' and '.join(sorted(circle))}"
        " wait for each other, since a Swarm accepts a port only after its former service drops it."
        f" Publish a port that is free first, or set recreate: [{holder}], which interrupts it",
    )
