# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Describe the router as an app, by the routes of all apps that are live."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .._compose.service_routes import ROUTER_NETWORK, is_routed
from .._core.content_ids import digest
from .._core.errors import PlanError, Problem, SpecError
from .._routing.buckets import MOST_SLOTS
from .._routing.haproxy_configuration import (
    CONFIGURATION_FILE,
    CONTROL_CA_FILE,
    EXPOSURE_KEY_FILE,
    PEERS_CA_FILE,
    SERVER_IDENTITY_FILE,
    TESTER_KEY_FILE,
    RouterFiles,
    RouterSettings,
    router_files,
)
from .._routing.route_table import RouteTable, joined_routes
from .._routing.routes import Route, route_record
from .history import Record
from .platform_connection import connect
from .platform_definition import Options, Platforms
from .ports import RouterPlace, RouterShape
from .resolution import Resolved
from .route_checks import all_routes, last_slots
from .router_control import (
    CONTROL_PORT,
    FEWEST_SERVERS,
    ROUTER,
    SERVERS_LABEL,
    SLOTS_LABEL,
    place_of,
)

PROGRAM = "haproxy"
# Each backend prepares as many.
_MOST_SERVERS = 500
# A label of the service, which restarts nothing: the configuration that was checked.
_CHECKED = "shipping.router.configuration"
# The routes, by which router_info reports that the router has others.
ROUTES_LABEL = "shipping.router.routes"
# The services of all routes, so that a change of weights reads the router's release alone.
_ROUTED = "shipping.router.services"
# Seconds that a replica has to end after its connections were cut.
_AFTER_DRAIN = 5
# Where replicas are not one a node: one serves while another one is replaced.
_REPLICAS = 2


def route_data(route: Route) -> dict[str, Any]:
    """Return a route as a result of a module has it."""
    return {"app": route.app, "service": route.service, **route_record(route)}


def routes_digest(table: RouteTable) -> str:
    """Return a short hash of the routes of all apps."""
    return digest([route_data(route) for route in table.routes])


def routed_services(router: Resolved) -> set[tuple[str, str]]:
    """Return app and service of all routes that a release of the router has."""
    listed = router.services.get(ROUTER, {}).get("deploy", {}).get("labels", {}).get(_ROUTED, "")
    pairs = (name.partition("/") for name in listed.split())
    return {(app, service) for app, _slash, service in pairs}


def settings_of(options: Options, place: RouterPlace) -> RouterSettings:
    """Return what the configuration depends on in addition to the routes."""
    return RouterSettings(
        slot_name=place.slot_name,
        resolver=place.shape.resolver,
        http_port=options["http_port"],
        https_port=options["https_port"],
        bots=tuple(options["bots"]),
        tester_key=options["testers"],
        peers=place.slot_name(ROUTER, ROUTER, 0),
        drain=options["drain"],
        servers=options["servers"],
        slots=options["variant_slots"],
        extra=tuple(options["extra"]),
    )


def describe_router(options: Options, platforms: Platforms, *, check: bool) -> dict[str, Any]:
    """Return the result of the module router_spec."""
    platform = connect(options, platforms)
    place = place_of(platform)
    live = dict(place.live_releases())
    former = live.pop(ROUTER, None)
    table = joined_routes(all_routes(live))
    settings = settings_of(options, place)
    files = _never_empty(router_files(table, settings))
    _check_nodes(options, place)
    _check_servers(options, live)
    _check_slots(options, live)
    routed = " ".join("/".join(key) for key in table.services())
    objects = _secret_objects(files, live)
    owners = {objects[mounted.file]: mounted.app for mounted in files.certificates}
    router = _Router(options, settings, files, objects, place.shape)
    spec = router.spec(
        {
            _CHECKED: files.content_name(),
            _ROUTED: routed,
            ROUTES_LABEL: routes_digest(table),
            SERVERS_LABEL: str(options["servers"]),
            SLOTS_LABEL: str(options["variant_slots"]),
        }
    )
    if _needs_check(former, spec):
        router.check(place)
    return {
        # After all checks: the first write of the play on the platform.
        "changed": place.share_secrets(owners, check=check),
        "app": ROUTER,
        "version": f"router-{digest(spec)}",
        "routes": [route_data(route) for route in table.routes],
        "spec": spec,
        "extra": list(options["extra"]),
        "placement": dict(place.shape.placement),
        "diff": _difference(former, files),
    }


def _never_empty(files: RouterFiles) -> RouterFiles:
    # No platform keeps a config without content. HAProxy skips such a line.
    return replace(files, files={name: text or "#\n" for name, text in files.files.items()})


def _check_nodes(options: Options, place: RouterPlace) -> None:
    """Raise where two replicas would have to share the host ports of one node."""
    replicas, nodes = options.get("replicas"), place.free_nodes(options["constraints"])
    if nodes is None:
        return
    if nodes == 0:
        text = "no ready node matches constraints"
    elif replicas and replicas > nodes:
        text = (
            f"is {replicas}, and {nodes} ready nodes match constraints; a second replica on one"
            " node would have no free port. Lower it, or leave it out to run one on each node"
        )
    else:
        return
    raise SpecError([Problem("replicas", text)], "the options of the router")


def _check_servers(options: Options, live: Mapping[str, Record]) -> None:
    """Raise where a live service has more replicas than the router would send requests to."""
    servers = options["servers"]
    if not FEWEST_SERVERS <= servers <= _MOST_SERVERS:
        text = f"must be from {FEWEST_SERVERS} to {_MOST_SERVERS}, not {servers}"
        raise SpecError([Problem("servers", text)], "the options of the router")
    problems = [
        Problem(
            "servers",
            f"is {servers}, and {app}/{name} has {service['deploy']['replicas']} replicas. Raise it"
            " to that number",
        )
        for app, name, service in _with_more(live, servers)
    ]
    if problems:
        raise SpecError(problems, "the options of the router")


def _check_slots(options: Options, live: Mapping[str, Record]) -> None:
    """Raise where a live service has more variants than the router would have slots."""
    slots = options["variant_slots"]
    if not 1 <= slots <= MOST_SLOTS:
        text = f"must be from 1 to {MOST_SLOTS}, not {slots}"
        raise SpecError([Problem("variant_slots", text)], "the options of the router")
    problems = [
        Problem(
            "variant_slots",
            f"is {slots}, and a variant of {app}/{name} has slot {last}. Raise it to that number",
        )
        for app, name, last in _beyond(live, slots)
    ]
    if problems:
        raise SpecError(problems, "the options of the router")


def _beyond(live: Mapping[str, Record], slots: int) -> Iterator[tuple[str, str, int]]:
    """Yield app, name and last slot of each routed service with variants in later slots."""
    for app, record in live.items():
        for name, last in last_slots(record.resolved.services).items():
            if last > slots:
                yield app, name, last


def _with_more(
    live: Mapping[str, Record], servers: int
) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield app, name and description of each routed service with more replicas than servers."""
    for app, record in live.items():
        for name, service in record.resolved.services.items():
            if is_routed(service) and service.get("deploy", {}).get("replicas", 1) > servers:
                yield app, name, service


@dataclass(frozen=True)
class _Router:
    """The router to describe. ``objects`` has the platform's secret for each certificate's file."""

    options: Options
    settings: RouterSettings
    files: RouterFiles
    objects: Mapping[str, str]
    shape: RouterShape

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the files of the control node's keys that the router needs."""
        testers = (TESTER_KEY_FILE,) if self.options["testers"] else ()
        control = (SERVER_IDENTITY_FILE, CONTROL_CA_FILE, PEERS_CA_FILE)
        return (*control, EXPOSURE_KEY_FILE, *testers)

    def spec(self, labels: Mapping[str, str]) -> dict[str, Any]:
        """Return the Compose file of the router; the control node adds the files of its keys."""
        options, files, paths = self.options, self.files.files, self.settings.paths
        own = [{"source": name, "target": f"{paths.secrets}/{name}"} for name in self.keys]
        mounted = [
            {"source": name, "target": f"{paths.secrets}/{file}"}
            for file, name in sorted(self.objects.items())
        ]
        service = {
            "image": options["image"],
            "entrypoint": [PROGRAM],
            "command": ["-W", "-db", "-f", f"{paths.configuration}/{CONFIGURATION_FILE}"],
            # Its ports may be below 1024; HAProxy itself gives no right up here.
            "user": "0",
            "environment": {"SHIPPING_REPLICA": self.shape.replica_id},
            "stop_signal": "SIGUSR1",
            "stop_grace_period": f"{options['drain'] + _AFTER_DRAIN}s",
            **self._folders(),
            "networks": [ROUTER_NETWORK],
            "ports": self._ports(),
            "configs": [
                {"source": name, "target": f"{paths.configuration}/{name}"}
                for name in sorted(files)
            ],
            "secrets": [{**grant, "mode": 0o400} for grant in (*own, *mounted)],
            **self._probe(),
            "deploy": _deploy(options, labels, self.shape),
        }
        return {
            "services": {ROUTER: service},
            "networks": {ROUTER_NETWORK: {"name": ROUTER_NETWORK}},
            **({"volumes": {"state": {}}} if self.shape.keeps_state else {}),
            # A Compose file is interpolated, and a dollar sign of its own is written twice.
            "configs": {
                name: {"content": text.replace("$", "$$")} for name, text in sorted(files.items())
            },
            "secrets": {
                name: {"external": True, "name": name} for name in sorted(self.objects.values())
            },
        }

    def _ports(self) -> list[dict[str, Any]]:
        options = self.options
        published = {options["http_port"]: options["http_port"]}
        if self.files.certificates:
            published[options["https_port"]] = options["https_port"]
        if options.get("metrics_port"):
            published[self.settings.metrics_port] = options["metrics_port"]
        if self.shape.publishes_control:
            published[CONTROL_PORT] = 0
        mode = self.shape.port_mode
        return [_port(target, number, mode) for target, number in published.items()]

    def _probe(self) -> dict[str, Any]:
        """Return the health check, where a new replica serves beside the one that it replaces."""
        if self.shape.is_global:
            return {}
        probe = {"http": {"port": self.settings.metrics_port, "path": "/healthz"}}
        return {"x-shipping": {"probe": probe}}

    def _folders(self) -> dict[str, Any]:
        """Return the mounts of the folders that the router writes."""
        paths = self.settings.paths
        if not self.shape.keeps_state:
            return {"tmpfs": [paths.socket, paths.state]}
        state = {"type": "volume", "source": "state", "target": paths.state}
        return {"tmpfs": [paths.socket], "volumes": [state]}

    def check(self, place: RouterPlace) -> None:
        """Let the router's own program check the configuration in the router's image."""
        paths, keys = self.settings.paths, self.options["_pki"] or {}
        content = {
            f"{paths.configuration}/{name}": text.encode()
            for name, text in self.files.files.items()
        }
        content.update(
            {f"{paths.secrets}/{name}": keys.get(name, "").encode() for name in self.keys}
        )
        # A platform never returns a secret, and apps' releases check theirs: any key will do here.
        stand_in = keys.get(SERVER_IDENTITY_FILE, "").encode()
        content.update({f"{paths.secrets}/{file}": stand_in for file in self.objects})
        # Folders that the spec mounts.
        content.update({f"{folder}/.keep": b"" for folder in (paths.socket, paths.state)})
        configuration = f"{paths.configuration}/{CONFIGURATION_FILE}"
        text = place.check(self.options["image"], [PROGRAM, "-c", "-f", configuration], content)
        if text:
            raise PlanError(
                "the configuration of the router is rejected",
                f"\n{text}\n",
                "Correct router_extra, or choose an image with HAProxy 2.6 or newer",
            )


def _secret_objects(files: RouterFiles, live: Mapping[str, Record]) -> dict[str, str]:
    """Return the platform's secret for the file of each certificate."""
    result = {}
    for mounted in files.certificates:
        secrets = live[mounted.app].resolved.secrets
        sources = {entry["source"]: name for name, entry in secrets.items()}
        result[mounted.file] = sources[mounted.secret]
    return result


def _port(number: int, published: int, mode: str) -> dict[str, Any]:
    """Return a published port; without a number, each node chooses one."""
    entry: dict[str, Any] = {"target": number, "mode": mode, "protocol": "tcp"}
    return {**entry, "published": published} if published else entry


def _deploy(options: Options, labels: Mapping[str, str], shape: RouterShape) -> dict[str, Any]:
    if not shape.is_global:
        return _deploy_anywhere(options, labels)
    replicas = options.get("replicas")
    placement: dict[str, Any] = {"constraints": list(options["constraints"])}
    scale: dict[str, Any] = {"mode": "global"}
    if replicas:
        placement["max_replicas_per_node"] = 1
        scale = {"mode": "replicated", "replicas": replicas}
    return {
        **scale,
        "endpoint_mode": "dnsrr",
        "labels": dict(labels),
        "placement": placement,
        # A replica's host ports are free for the next one only after it has ended.
        "update_config": {"order": "stop-first", "parallelism": 1, "failure_action": "pause"},
        "rollback_config": {"order": "stop-first", "parallelism": 1},
    }


def _deploy_anywhere(options: Options, labels: Mapping[str, str]) -> dict[str, Any]:
    """Return the same for replicas that share no ports of their node: a new one starts first."""
    return {
        "mode": "replicated",
        "replicas": options.get("replicas") or _REPLICAS,
        "labels": dict(labels),
        "placement": {"constraints": list(options["constraints"])},
        "update_config": {"order": "start-first", "parallelism": 1},
    }


def _needs_check(former: Record | None, spec: Mapping[str, Any]) -> bool:
    """Return whether the configuration or the image differs from what runs."""
    running = former.resolved.services.get(ROUTER, {}) if former else {}
    wanted = spec["services"][ROUTER]
    labels = running.get("deploy", {}).get("labels", {})
    return (labels.get(_CHECKED), running.get("reference")) != (
        wanted["deploy"]["labels"][_CHECKED],
        wanted["image"],
    )


def _difference(former: Record | None, files: RouterFiles) -> dict[str, Any]:
    """Return which configurations run and are to run; the release of the router shows the rest."""
    running = former.resolved.services.get(ROUTER, {}) if former else {}
    before = running.get("deploy", {}).get("labels", {}).get(_CHECKED, "")
    return {"before": {"configuration": before}, "after": {"configuration": files.content_name()}}
