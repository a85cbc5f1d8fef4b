# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Map each key of a resolved service to Swarm's service spec, both ways.

One table gives the rendering, the reading back and the comparison, so that what was written is
what is found again. Spec: https://docs.docker.com/reference/api/engine/version/v1.52/#tag/Service
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..._compose.defaults import RESTART_DEFAULTS, UPDATE_DEFAULTS
from ..._compose.node_networks import NODE_NETWORKS
from ..._compose.security_options import DEFAULT, UNCONFINED
from ..._compose.service import UNLIMITED
from ..._core import units
from .support import PLAIN_KEYS

Body = dict[str, Any]
_CONTAINER = "TaskTemplate.ContainerSpec"


@dataclass
class Names:
    """Names to ids of the Swarm's objects, for each kind."""

    networks: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    configs: dict[str, str] = field(default_factory=dict)

    def network_name(self, given: str) -> str:
        """Return the name of a network that a spec may call by id or by name."""
        return next((name for name, identity in self.networks.items() if identity == given), given)


To = Callable[[Any, Names], Any]


@dataclass(frozen=True)
class Field:
    """A key of a service and its place in the spec.

    ``default`` is the engine's behavior without the key. ``in_task``: whether a
    change restarts tasks. ``keyed`` fields are mappings (or lists with a key) of which only the
    declared entries are owned.
    """

    key: str
    place: str
    to: To = lambda value, names: value
    back: To = lambda value, names: value
    default: Any = None
    in_task: bool = True
    keyed: Callable[[Any], dict[str, Any]] | None = None

    def read(self, body: Mapping[str, Any], names: Names) -> Any:
        """Return what the spec has for this key, or the engine's default."""
        found = get(body, self.place)
        # The engine leaves empty fields out of its JSON (omitempty): empty and absent are the same.
        value = self.back(found, names) if found not in (None, "", [], {}) else None
        if value is None:
            return {} if self.keyed else self.default
        return value

    def wanted(self, service: Mapping[str, Any]) -> Any:
        """Return what a resolved service declares for this key; None where it declares nothing."""
        value = get(service, self.key)
        return self.keyed(value) if self.keyed and value is not None else value

    def write(self, body: Body, value: Any, names: Names) -> None:
        """Put a value into the spec; None takes it out."""
        put(
            body,
            self.place,
            None if value is None or (self.keyed and not value) else self.to(value, names),
        )


def get(tree: Any, path: str) -> Any:
    """Return the value at a dotted path, or None."""
    for key in path.split("."):
        if not isinstance(tree, Mapping) or key not in tree:
            return None
        tree = tree[key]
    return tree


def put(tree: Body, path: str, value: Any) -> None:
    """Set the value at a dotted path; None removes it."""
    *parents, last = path.split(".")
    for key in parents:
        if tree.get(key) is None:
            tree[key] = {}
        tree = tree[key]
    if value is None:
        tree.pop(last, None)
    else:
        tree[last] = value


def _duration(value: Any, _names: Names) -> int:
    return units.nanoseconds(value)


def _duration_back(value: Any, _names: Names) -> str:
    return units.duration(value)


def _size(value: Any, _names: Names) -> int:
    return units.octets(value)


def _size_back(value: Any, _names: Names) -> str:
    return units.size(value)


_PLACEHOLDER = re.compile(r"\{\{-?\s*(?:\.|index\s+\.)(?:Service|Node|Task)\b")
# A Go template that prints two braces.
_BRACES, _ESCAPED_BRACES = "{{", '{{"{{"}}'


def _env(value: Mapping[str, str], _names: Names) -> list[str]:
    """Escape the environment, which the engine reads as templates.

    What has none of its placeholders is kept literal.
    """
    return [
        f"{key}={item if _PLACEHOLDER.search(item) else item.replace(_BRACES, _ESCAPED_BRACES)}"
        for key, item in value.items()
    ]


def _env_back(value: list[str], _names: Names) -> dict[str, str]:
    return {
        key: item.replace(_ESCAPED_BRACES, _BRACES)
        for key, _equals, item in (entry.partition("=") for entry in value)
    }


_TIMES = {
    "interval": "Interval",
    "timeout": "Timeout",
    "start_period": "StartPeriod",
    "start_interval": "StartInterval",
}


def _health(value: Mapping[str, Any], _names: Names) -> Body:
    times = {place: units.nanoseconds(value[key]) for key, place in _TIMES.items() if key in value}
    return {
        "Test": value.get("test", []),
        **times,
        **({"Retries": value["retries"]} if "retries" in value else {}),
    }


def _health_back(value: Mapping[str, Any], _names: Names) -> dict[str, Any]:
    # 0 means: as the image has it (HealthConfig).
    result: dict[str, Any] = {
        key: units.duration(value[place]) for key, place in _TIMES.items() if value.get(place)
    }
    if value.get("Test"):
        result["test"] = value["Test"]
    if value.get("Retries"):
        result["retries"] = value["Retries"]
    return result


def _update(value: Mapping[str, Any], _names: Names) -> Body:
    return {
        "Parallelism": value["parallelism"],
        "Delay": units.nanoseconds(value["delay"]),
        "FailureAction": value["failure_action"],
        "Monitor": units.nanoseconds(value["monitor"]),
        "MaxFailureRatio": value["max_failure_ratio"],
        "Order": value["order"],
    }


def _update_back(value: Mapping[str, Any], _names: Names) -> dict[str, Any]:
    return {
        "parallelism": value.get("Parallelism", 0),
        "delay": units.duration(value.get("Delay") or 0),
        "failure_action": value.get("FailureAction") or UPDATE_DEFAULTS["failure_action"],
        # swarmkit's own defaults (api/defaults/service.go), where a spec leaves them out.
        "monitor": units.duration(value.get("Monitor") or 5 * units.SECOND),
        "max_failure_ratio": float(value.get("MaxFailureRatio") or 0),
        "order": value.get("Order") or UPDATE_DEFAULTS["order"],
    }


def _restart(value: Mapping[str, Any], _names: Names) -> Body:
    result = {
        "Condition": value["condition"],
        "Delay": units.nanoseconds(value["delay"]),
        "MaxAttempts": value["max_attempts"],
    }
    window = units.nanoseconds(value["window"])
    return {**result, "Window": window} if window else result


def _restart_back(value: Mapping[str, Any], _names: Names) -> dict[str, Any]:
    delay = value.get("Delay")
    return {
        "condition": value.get("Condition") or "any",
        "delay": RESTART_DEFAULTS["delay"] if delay is None else units.duration(delay),
        "max_attempts": value.get("MaxAttempts") or 0,
        "window": units.duration(value.get("Window") or 0),
    }


def _by(*keys: str) -> Callable[[Any], dict[str, Any]]:
    """Return a function that keys a list of mappings by what identifies an entry."""

    def keyed(value: list[dict[str, Any]]) -> dict[str, Any]:
        return {"/".join(str(entry.get(key, "")) for key in keys): entry for entry in value}

    return keyed


# bind.create_host_path is not among them: engines ignore CreateMountpoint for services (tried on
# 20.10 and 26.1).
_MOUNT_PLACES = {
    "read_only": "ReadOnly",
    "source": "Source",
    "volume.nocopy": "VolumeOptions.NoCopy",
    "volume.subpath": "VolumeOptions.Subpath",
    "labels": "VolumeOptions.Labels",
    "driver": "VolumeOptions.DriverConfig.Name",
    "driver_opts": "VolumeOptions.DriverConfig.Options",
    "bind.propagation": "BindOptions.Propagation",
    "tmpfs.size": "TmpfsOptions.SizeBytes",
    "tmpfs.mode": "TmpfsOptions.Mode",
}
_MOUNT_SIZES = frozenset({"tmpfs.size"})


def _mounts(value: Mapping[str, Any], _names: Names) -> list[Body]:
    return [_mount(mount) for mount in value.values()]


def _mount(mount: Mapping[str, Any]) -> Body:
    result: Body = {"Type": mount["type"], "Target": mount["target"]}
    for key, place in _MOUNT_PLACES.items():
        found = get(mount, key)
        if found is not None:
            put(result, place, units.octets(found) if key in _MOUNT_SIZES else found)
    return result


def _mounts_back(value: list[Body], _names: Names) -> dict[str, Any]:
    return {mount["Target"]: _mount_back(mount) for mount in value}


def _mount_back(mount: Body) -> dict[str, Any]:
    result: Body = {"type": mount.get("Type") or "volume", "target": mount["Target"]}
    for key, place in _MOUNT_PLACES.items():
        found = get(mount, place)
        if found not in (None, False, "", {}):
            put(result, key, units.size(found) if key in _MOUNT_SIZES else found)
    return result


def _grants(kind: str) -> To:
    def to(value: Mapping[str, Any], names: Names) -> list[Body]:
        ids: dict[str, str] = getattr(names, f"{kind.lower()}s")
        return [
            {
                "File": {
                    "Name": _file(kind, grant["target"]),
                    "UID": grant["uid"],
                    "GID": grant["gid"],
                    "Mode": grant["mode"],
                },
                f"{kind}ID": ids[grant["object"]],
                f"{kind}Name": grant["object"],
            }
            for grant in value.values()
        ]

    return to


def _file(kind: str, target: str) -> str:
    """Return the bare name of a secret in the usual folder, as the Docker client writes it."""
    folder = "/run/secrets/"
    bare = target[len(folder) :] if target.startswith(folder) else ""
    return bare if kind == "Secret" and bare and "/" not in bare else target


def _grants_back(kind: str) -> To:
    def back(value: list[Body], _names: Names) -> dict[str, Any]:
        return {
            grant["target"]: grant
            for grant in (_grant_back(kind, entry) for entry in value if entry.get("File"))
        }

    return back


def _grant_back(kind: str, entry: Body) -> dict[str, Any]:
    target = entry["File"]["Name"]
    if kind == "Secret" and not target.startswith("/"):
        target = f"/run/secrets/{target}"
    return {
        "target": target,
        "uid": entry["File"].get("UID") or "0",
        "gid": entry["File"].get("GID") or "0",
        "mode": entry["File"].get("Mode", 0),
        "object": entry[f"{kind}Name"],
    }


def _networks(value: Mapping[str, Any], names: Names) -> list[Body]:
    return [
        {
            "Target": names.networks.get(name, name),
            **({"Aliases": entry["aliases"]} if entry.get("aliases") else {}),
        }
        for name, entry in value.items()
    ]


def _networks_back(value: list[Body], names: Names) -> dict[str, Any]:
    return {
        name: {"aliases": sorted(entry["Aliases"])} if _has_aliases(name, entry) else {}
        for name, entry in ((names.network_name(entry["Target"]), entry) for entry in value)
    }


def _has_aliases(network: str, entry: Body) -> bool:
    # docker stack deploy writes the service's name there, which such a network does not resolve.
    return bool(entry.get("Aliases")) and network not in NODE_NETWORKS


def _ports(value: Mapping[str, Any], _names: Names) -> list[Body]:
    return [
        {
            "Protocol": port["protocol"],
            "TargetPort": port["target"],
            "PublishMode": port["mode"],
            **({"PublishedPort": port["published"]} if "published" in port else {}),
        }
        for port in value.values()
    ]


_port_key = _by("published", "target", "protocol", "mode")


def _ports_back(value: list[Body], _names: Names) -> dict[str, Any]:
    return _port_key(
        [
            {
                "target": port["TargetPort"],
                "protocol": port.get("Protocol") or "tcp",
                "mode": port.get("PublishMode") or "ingress",
                **({"published": port["PublishedPort"]} if port.get("PublishedPort") else {}),
            }
            for port in value
        ]
    )


def _hosts(value: list[str], _names: Names) -> list[str]:
    # The engine takes lines of /etc/hosts, with the address first.
    return [" ".join(reversed(entry.split("=", 1))) for entry in value]


def _hosts_back(value: list[str], _names: Names) -> list[str]:
    result = []
    for entry in value:
        address = entry.split(" ", 1)[0]
        result += [f"{name}={address}" for name in entry.split()[1:]]
    return sorted(result)


def _capabilities_back(value: list[str], _names: Names) -> list[str]:
    return sorted(
        {name if name == "ALL" or name.startswith("CAP_") else f"CAP_{name}" for name in value}
    )


def _logging_back(value: Body, _names: Names) -> dict[str, Any]:
    result = {"driver": value.get("Name"), "options": value.get("Options")}
    return {key: item for key, item in result.items() if item}


def _preferences(value: list[str], _names: Names) -> list[Body]:
    return [{"Spread": {"SpreadDescriptor": descriptor}} for descriptor in value]


def _preferences_back(value: list[Body], _names: Names) -> list[str]:
    return [get(entry, "Spread.SpreadDescriptor") for entry in value]


def _platform(value: str, _names: Names) -> list[Body]:
    system, architecture = value.split("/")
    return [{"OS": system, "Architecture": architecture}]


def _platform_back(value: list[Body], _names: Names) -> str:
    return f"{value[0].get('OS', 'linux')}/{value[0].get('Architecture', '')}"


def _ulimits(value: Mapping[str, Any], _names: Names) -> list[Body]:
    return [
        {"Name": name, "Soft": limit["soft"], "Hard": limit["hard"]}
        for name, limit in value.items()
    ]


def _ulimits_back(value: list[Body], _names: Names) -> dict[str, Any]:
    return {limit["Name"]: {"soft": limit["Soft"], "hard": limit["Hard"]} for limit in value}


def _cpus(value: str, _names: Names) -> int:
    return units.nanocpus(value)


def _cpus_back(value: int, _names: Names) -> str:
    return units.cpus(value)


def _swap(value: str, _names: Names) -> int:
    return -1 if value == UNLIMITED else units.octets(value)


def _swap_back(value: int, _names: Names) -> str:
    return UNLIMITED if value == -1 else units.size(value)


# What the Docker client calls unconfined.
_NO_APPARMOR = "disabled"


def _apparmor(value: str, _names: Names) -> str:
    return _NO_APPARMOR if value == UNCONFINED else value


def _apparmor_back(value: str, _names: Names) -> str:
    return UNCONFINED if value == _NO_APPARMOR else value


def _selinux(value: Mapping[str, Any], _names: Names) -> Body:
    return {key.capitalize(): item for key, item in value.items()}


def _selinux_back(value: Body, _names: Names) -> dict[str, Any] | None:
    return {key.lower(): item for key, item in value.items() if item} or None


def _generic_resources(value: Mapping[str, int], _names: Names) -> list[Body]:
    return [
        {"DiscreteResourceSpec": {"Kind": kind, "Value": number}} for kind, number in value.items()
    ]


def _generic_resources_back(value: list[Body], _names: Names) -> dict[str, int]:
    # Services reserve a number of a kind, also of named resources of a node (API, Service).
    specs = [entry["DiscreteResourceSpec"] for entry in value if "DiscreteResourceSpec" in entry]
    # A number of 0 is left out of the engine's JSON.
    return {spec["Kind"]: spec.get("Value", 0) for spec in specs}


def _own_labels_back(value: Mapping[str, str], _names: Names) -> dict[str, str]:
    """Return labels without those that the collection keeps for itself."""
    return {key: item for key, item in value.items() if not key.startswith("shipping.code.")}


def _same(value: dict[str, Any]) -> dict[str, Any]:
    return value


def _container(key: str, name: str, **how: Any) -> Field:
    return Field(key, f"{_CONTAINER}.{name}", **how)


REPLICAS = Field("deploy.replicas", "Mode.Replicated.Replicas", in_task=False)
LABELS = Field("deploy.labels", "Labels", back=_own_labels_back, in_task=False, keyed=_same)
CONTAINER_LABELS = _container("labels", "Labels", back=_own_labels_back, keyed=_same)
PLACEMENT = (
    Field("deploy.placement.constraints", "TaskTemplate.Placement.Constraints"),
    Field(
        "deploy.placement.preferences",
        "TaskTemplate.Placement.Preferences",
        _preferences,
        _preferences_back,
    ),
    Field(
        "deploy.placement.max_replicas_per_node", "TaskTemplate.Placement.MaxReplicas", default=0
    ),
    Field("platform", "TaskTemplate.Placement.Platforms", _platform, _platform_back),
)
ENDPOINT = (
    Field("ports", "EndpointSpec.Ports", _ports, _ports_back, keyed=_port_key),
    Field("deploy.endpoint_mode", "EndpointSpec.Mode", default="vip"),
)
IMAGE = _container("image", "Image")

FIELDS: tuple[Field, ...] = (
    IMAGE,
    _container("entrypoint", "Command"),
    _container("command", "Args"),
    _container("environment", "Env", to=_env, back=_env_back, keyed=_same),
    *(
        Field(key, f"TaskTemplate.{plain.place}", default=plain.default)
        for key, plain in PLAIN_KEYS.items()
    ),
    _container(
        "stop_grace_period", "StopGracePeriod", to=_duration, back=_duration_back, default="10s"
    ),
    CONTAINER_LABELS,
    _container("healthcheck", "Healthcheck", to=_health, back=_health_back),
    _container("extra_hosts", "Hosts", to=_hosts, back=_hosts_back),
    _container("dns", "DNSConfig.Nameservers"),
    _container("dns_search", "DNSConfig.Search"),
    _container("dns_opt", "DNSConfig.Options"),
    _container("cap_add", "CapabilityAdd", back=_capabilities_back),
    _container("cap_drop", "CapabilityDrop", back=_capabilities_back),
    _container("security_opt.no_new_privileges", "Privileges.NoNewPrivileges", default=False),
    _container("security_opt.seccomp", "Privileges.Seccomp.Mode", default=DEFAULT),
    _container(
        "security_opt.apparmor",
        "Privileges.AppArmor.Mode",
        to=_apparmor,
        back=_apparmor_back,
        default=DEFAULT,
    ),
    _container(
        "security_opt.selinux", "Privileges.SELinuxContext", to=_selinux, back=_selinux_back
    ),
    _container("sysctls", "Sysctls", keyed=_same),
    _container("ulimits", "Ulimits", to=_ulimits, back=_ulimits_back, keyed=_same),
    _container("volumes", "Mounts", to=_mounts, back=_mounts_back, keyed=_by("target")),
    _container(
        "secrets", "Secrets", to=_grants("Secret"), back=_grants_back("Secret"), keyed=_by("target")
    ),
    _container(
        "configs", "Configs", to=_grants("Config"), back=_grants_back("Config"), keyed=_by("target")
    ),
    Field(
        "logging",
        "TaskTemplate.LogDriver",
        lambda value, names: {"Name": value.get("driver", ""), "Options": value.get("options", {})},
        _logging_back,
    ),
    Field(
        "deploy.resources.limits.cpus",
        "TaskTemplate.Resources.Limits.NanoCPUs",
        _cpus,
        _cpus_back,
        default="0",
    ),
    Field(
        "deploy.resources.limits.memory",
        "TaskTemplate.Resources.Limits.MemoryBytes",
        _size,
        _size_back,
        default="0",
    ),
    Field("swap_limit", "TaskTemplate.Resources.SwapBytes", _swap, _swap_back),
    Field("deploy.resources.limits.pids", "TaskTemplate.Resources.Limits.Pids", default=0),
    Field(
        "deploy.resources.reservations.cpus",
        "TaskTemplate.Resources.Reservations.NanoCPUs",
        _cpus,
        _cpus_back,
        default="0",
    ),
    Field(
        "deploy.resources.reservations.memory",
        "TaskTemplate.Resources.Reservations.MemoryBytes",
        _size,
        _size_back,
        default="0",
    ),
    Field(
        "deploy.resources.reservations.generic_resources",
        "TaskTemplate.Resources.Reservations.GenericResources",
        _generic_resources,
        _generic_resources_back,
    ),
    Field(
        "deploy.restart_policy",
        "TaskTemplate.RestartPolicy",
        _restart,
        _restart_back,
        default=RESTART_DEFAULTS,
    ),
    Field("networks", "TaskTemplate.Networks", _networks, _networks_back, keyed=_same),
    *PLACEMENT,
    *ENDPOINT,
    REPLICAS,
    LABELS,
    Field(
        "deploy.update_config",
        "UpdateConfig",
        _update,
        _update_back,
        default=UPDATE_DEFAULTS,
        in_task=False,
    ),
    Field(
        "deploy.rollback_config",
        "RollbackConfig",
        _update,
        _update_back,
        default=UPDATE_DEFAULTS,
        in_task=False,
    ),
)
