# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of a resolved app. Pure: the same app gives the same objects."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from ..._compose import job_services
from ..._compose.defaults import RESTART_DEFAULTS
from ..._compose.service_routes import ROUTER_NETWORK, is_routed
from ..._compose.variants import slot_of
from ..._core.content_ids import digest
from ..._deploy.naming import Naming
from ..._deploy.resolution import HOST_NETWORK, Resolved
from . import manifests, quantities
from .api_kinds import (
    APP,
    APPLIED,
    CLAIM,
    DAEMON_SET,
    DEPLOYMENT,
    HASH,
    INTERNAL,
    JOB,
    KIND,
    KINDS,
    MANAGED_BY,
    NETWORK,
    NETWORK_POLICY,
    POLICY,
    SERVICE,
    SERVICE_KIND,
    VOLUME,
    Kind,
)
from .pods import (
    Body,
    Service,
    is_bare,
    selector,
    split_labels,
    strategy,
    template,
)
from .release_order import TEMPLATED
from .router_objects import ROUTER, ROUTER_NAMESPACE, slot_service
from .service_names import published_name

_RETRIES = 2
# The label that each namespace has (1.22 and newer).
_NAMESPACE_NAME = "kubernetes.io/metadata.name"
# The API server's default for --service-node-port-range.
NODE_PORTS = range(30000, 32768)
# TCP for answers that do not fit into UDP (RFC 7766).
_DNS_PORTS = [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]


def naming(app: str) -> Naming:
    """Return how an app's objects are named."""
    # Names of objects may not have an underscore (RFC 1123).
    return Naming(app, joint="-", strict=True)


def service_hash(app: str, name: str, resolved: Resolved) -> str:
    """Return a hash of everything whose change replaces pods."""
    workload = of_service(app, name, resolved)[-1]
    # Other kinds may have anything in their spec.
    if workload["kind"] not in TEMPLATED:
        return ""
    template = workload["spec"]["template"]
    return str(((template.get("metadata") or {}).get("labels") or {}).get(HASH, ""))


def kind_of(body: Body, service: Mapping[str, Any]) -> Kind:
    """Return the kind of an object that is made of a service."""
    return Kind(**service["kind"]) if "manifest" in service else KINDS[body["kind"]]


def of_service(app: str, name: str, resolved: Resolved) -> list[Body]:
    """Return everything that is made of one service, in the order in which it is made.

    Its workload is the last.
    """
    service = resolved.services[name]
    if "manifest" in service:
        return [manifests.rendered(app, name, service)]
    bodies = [
        *_claims(app, service),
        *_services(app, name, service),
        *_slot_service(app, name, resolved),
        *_published_policy(app, name, service),
    ]
    return [_finished(app, name, service, body) for body in bodies] + [
        workload(app, name, resolved)
    ]


def kind_of_workload(service: Service) -> Kind:
    """Return the kind of a service's workload: a DaemonSet of a global one, a Job of a job."""
    if job_services.is_job(service):
        return JOB
    return DAEMON_SET if service.get("deploy", {}).get("mode") == "global" else DEPLOYMENT


def workload(app: str, name: str, resolved: Resolved) -> Body:
    """Return the Deployment, DaemonSet or Job of a service."""
    service = resolved.services[name]
    kind = kind_of_workload(service)
    if kind is JOB:
        return _job(app, name, resolved)
    rolling, hold = strategy(service)
    labels, annotations = split_labels(service.get("deploy", {}).get("labels", {}))
    spec: Body = {
        "selector": {"matchLabels": selector(app, name, service)},
        "updateStrategy" if kind is DAEMON_SET else "strategy": rolling,
        **({"minReadySeconds": hold} if hold else {}),
        "template": template(app, name, service, resolved),
    }
    # Not declared, not sent: the number belongs to an autoscaler or an operator then.
    replicas = service.get("deploy", {}).get("replicas")
    if kind is DEPLOYMENT and replicas is not None:
        spec["replicas"] = replicas
    return _finished(app, name, service, _object(kind, name, spec, labels, annotations))


def _job(app: str, name: str, resolved: Resolved) -> Body:
    """Return the Job of a service; its pods are not started again, so that each keeps its log."""
    service = resolved.services[name]
    deploy = service["deploy"]
    replicas = deploy.get("replicas", 1)
    made = template(app, name, service, resolved)
    spec: Body = {
        # All at once, as on a Swarm.
        "completions": replicas,
        "parallelism": replicas,
        "backoffLimit": _retries(deploy.get("restart_policy", RESTART_DEFAULTS)),
        "template": {**made, "spec": {**made["spec"], "restartPolicy": "Never"}},
    }
    labels, annotations = split_labels(deploy.get("labels", {}))
    return _finished(app, name, service, _object(JOB, name, spec, labels, annotations))


def _retries(policy: Mapping[str, Any]) -> int:
    if policy["condition"] == "none":
        return 0
    # Without a number Compose tries for ever; a Swarm's job fails a release at the third failure.
    return int(policy.get("max_attempts") or _RETRIES)


def policies(app: str, resolved: Resolved) -> list[Body]:
    """Return a NetworkPolicy for each of the app's networks.

    One more keeps pods on internal networks inside.
    """
    own = [
        _finished(app, "", {}, _network(name, entry))
        for name, entry in resolved.networks.items()
        if not entry.get("external") and name != HOST_NETWORK
    ]
    internal = [name for name, entry in resolved.networks.items() if entry.get("internal")]
    if resolved.networks.get(ROUTER_NETWORK, {}).get("external"):
        own.append(_finished(app, "", {}, _from_router(app)))
    return [*own, *([_finished(app, "", {}, _inside(app, internal))] if internal else [])]


def _object(
    kind: Kind,
    name: str,
    spec: Body,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Body:
    metadata: Body = {
        "name": name,
        "labels": dict(labels or {}),
        "annotations": dict(annotations or {}),
    }
    return {"apiVersion": kind.version, "kind": kind.name, "metadata": metadata, "spec": spec}


def _finished(app: str, name: str, service: Service, body: Body) -> Body:
    """Add the user's raw fields, our labels, and the hashes of the object."""
    raw = service.get("x-shipping", {}).get("overlay", {}).get(body["kind"])
    body = overlaid(body, raw) if raw else body
    body["metadata"]["labels"].update(
        {APP: app, MANAGED_BY: "shipping.code", **({SERVICE: name} if name else {})}
    )
    # The number of the release is not in the template: there it would replace all pods each time.
    if "template" in body["spec"] and not is_bare(service):
        body["spec"]["template"]["metadata"]["labels"][HASH] = digest(body["spec"]["template"])
    if body["kind"] == JOB.name:
        body["metadata"]["annotations"][manifests.CONTENT_OF] = manifests.job_content(body)
    # Last, because it covers everything else.
    body["metadata"]["annotations"][APPLIED] = digest(body)
    return body


def overlaid(body: Any, raw: Any) -> Any:
    """Merge ``raw`` into ``body``.

    Mappings by key, lists of named things by name, anything else is replaced.
    """
    if isinstance(body, dict) and isinstance(raw, dict):
        result = copy.deepcopy(body)
        for key, value in raw.items():
            result[key] = overlaid(result[key], value) if key in result else copy.deepcopy(value)
        return result
    if _are_named(body) and _are_named(raw):
        merged = {item["name"]: item for item in body}
        for item in raw:
            merged[item["name"]] = overlaid(merged.get(item["name"], {}), item)
        return list(merged.values())
    return copy.deepcopy(raw)


def _are_named(items: Any) -> bool:
    return isinstance(items, list) and all(
        isinstance(item, dict) and "name" in item for item in items
    )


def _claims(app: str, service: Service) -> Iterable[Body]:
    for mount in service.get("volumes", []):
        # Only our own volumes have labels here; external ones are never made.
        if mount["type"] == "volume" and "source" in mount and "labels" in mount:
            labels, annotations = split_labels(mount["labels"])
            options = mount.get("driver_opts", {})
            spec: Body = {
                "accessModes": [options.get("access_mode", "ReadWriteOnce")],
                "resources": {
                    "requests": {"storage": quantities.memory(options.get("size", "1G"))}
                },
            }
            if "driver" in mount:
                spec["storageClassName"] = mount["driver"]
            yield _object(CLAIM, mount["source"], spec, {**labels, KIND: VOLUME}, annotations)


def _services(app: str, name: str, service: Service) -> Iterable[Body]:
    """Yield the Service by which others find it, and one for each other name.

    Ports that are published get one that is seen from outside.
    """
    # A job accepts no connections.
    if job_services.is_job(service):
        return
    pods = selector(app, name, service)
    inside = _inside_ports(service)
    # Compose clients use the port of the container, also where a service publishes none: a headless
    # Service lets them reach every port.
    for alias in sorted({name, *_aliases(service)}):
        spec: Body = {"type": "ClusterIP", "selector": pods}
        if inside:
            spec["ports"] = [_service_port(port, port, protocol) for port, protocol in inside]
        # Alone "None" makes it headless; left out, the server assigns an address.
        if _is_headless(service):
            spec["clusterIP"] = "None"
        yield _object(SERVICE_KIND, alias, spec)
    published = [port for port in service.get("ports", []) if port["mode"] == "ingress"]
    if published:
        yield _object(
            SERVICE_KIND, published_name(name), {"selector": pods, **_seen_from_outside(published)}
        )


def _aliases(service: Service) -> set[str]:
    aliases: set[str] = set()
    for network, settings in service.get("networks", {}).items():
        # The router finds pods by a Service of its own.
        if network != ROUTER_NETWORK:
            aliases.update(settings.get("aliases", []))
    return aliases


def _slot_service(app: str, name: str, resolved: Resolved) -> Iterable[Body]:
    """Yield the Service by which the router finds pods: of a routed service, or its own peers."""
    service = resolved.services[name]
    is_router = app == ROUTER and ROUTER_NETWORK in service.get("networks", {})
    if is_routed(service) or is_router:
        base, slot = slot_of(name, resolved.services)
        spec = {"type": "ClusterIP", "clusterIP": "None", "selector": selector(app, name, service)}
        yield _object(SERVICE_KIND, slot_service(base, slot), spec)


def _is_headless(service: Service) -> bool:
    """Return whether the Service has no address: its name stands for the pods' own addresses."""
    return (
        not _inside_ports(service)
        or service.get("deploy", {}).get("endpoint_mode") == "dnsrr"
        or HOST_NETWORK in service.get("networks", {})
    )


def _seen_from_outside(published: list[Body]) -> Body:
    # A Service has one type, so NodePort only where it fits every port.
    is_node_port = all(port.get("published") in NODE_PORTS for port in published)
    ports = []
    for port in published:
        outside = port["published"] if "published" in port else port["target"]
        entry = _service_port(outside, port["target"], port["protocol"].upper())
        ports.append({**entry, **({"nodePort": port["published"]} if is_node_port else {})})
    return {"type": "NodePort" if is_node_port else "LoadBalancer", "ports": ports}


def _inside_ports(service: Service) -> list[tuple[int, str]]:
    """Return the container ports that other services know.

    Those that are published and those under ``expose``.
    """
    found = {(int(port["target"]), port["protocol"].upper()) for port in service.get("ports", [])}
    for text in service.get("expose", []):
        span, _slash, protocol = str(text).partition("/")
        first, _dash, last = span.partition("-")
        found |= {
            (port, (protocol or "tcp").upper())
            for port in range(int(first), int(last or first) + 1)
        }
    return sorted(found)


def _service_port(port: int, target: int, protocol: str) -> Body:
    return {
        "name": f"{protocol.lower()}-{port}",
        "port": port,
        "targetPort": target,
        "protocol": protocol,
    }


def _published_policy(app: str, name: str, service: Service) -> Iterable[Body]:
    """Yield the policy that opens published ports to clients from outside."""
    ports = sorted(
        {(port["target"], port["protocol"].upper()) for port in service.get("ports", [])}
    )
    # The effect of a NetworkPolicy on pods in the network of their node is not defined.
    if ports and HOST_NETWORK not in service.get("networks", {}):
        # Policies add up (NetworkPolicy): this one opens ports that those of the networks keep
        # closed.
        spec = {
            "podSelector": {"matchLabels": selector(app, name, service)},
            "policyTypes": ["Ingress"],
            "ingress": [
                {"ports": [{"port": port, "protocol": protocol} for port, protocol in ports]}
            ],
        }
        yield _object(NETWORK_POLICY, f"{app}.{name}.published", spec)


def _network(name: str, entry: Mapping[str, Any]) -> Body:
    members = {"podSelector": {"matchLabels": {f"{NETWORK}{name}": "true"}}}
    labels, annotations = split_labels(entry.get("labels", {}))
    spec = {**members, "policyTypes": ["Ingress"], "ingress": [{"from": [members]}]}
    return _object(NETWORK_POLICY, name, spec, {**labels, KIND: POLICY}, annotations)


def _from_router(app: str) -> Body:
    """Return the policy that lets the router in, which is in a namespace of its own."""
    router = {
        "namespaceSelector": {"matchLabels": {_NAMESPACE_NAME: ROUTER_NAMESPACE}},
        "podSelector": {"matchLabels": {APP: ROUTER}},
    }
    spec = {
        "podSelector": {"matchLabels": {APP: app, f"{NETWORK}{ROUTER_NETWORK}": "true"}},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [router]}],
    }
    return _object(NETWORK_POLICY, f"{app}.{ROUTER_NETWORK}", spec, {KIND: POLICY})


def _inside(app: str, networks: list[str]) -> Body:
    to = [{"podSelector": {"matchLabels": {f"{NETWORK}{name}": "true"}}} for name in networks]
    spec = {
        "podSelector": {"matchLabels": {APP: app, INTERNAL: "true"}},
        "policyTypes": ["Egress"],
        # A policy for egress blocks DNS, too, without which no service is found by its name.
        "egress": [{"to": to}, {"ports": _DNS_PORTS}],
    }
    return _object(NETWORK_POLICY, f"{app}.internal", spec, {KIND: POLICY})
