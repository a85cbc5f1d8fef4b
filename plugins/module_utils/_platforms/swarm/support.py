# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Compose keys that Swarm supports, and how; those that it rejects, and alternatives.

The guide's table is held against these tables by a test.
Keys: https://github.com/compose-spec/compose-spec/blob/main/spec.md
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..._compose import node_networks
from ..._compose.keys import NOT_YET
from ..._compose.normal_form import Compose, Service
from ..._compose.security_options import DEFAULT, UNCONFINED
from ..._compose.service import mesh_ports
from ..._compose.support import Plain, Support, plain_keys, texts
from ..._core.parsing import SpecReader
from ..._core.units import octets

_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - a path in the container
_NO_SUCH_SETTING = "Swarm has no such setting; leave it out"

# Key path below services.<name> -> how it is honored.
_KEYS: dict[str, str | Plain] = {
    "image": "`ContainerSpec.Image`, resolved to `name:tag@digest`",
    "command": "`ContainerSpec.Args`",
    "entrypoint": "`ContainerSpec.Command`",
    "environment": (
        "`ContainerSpec.Env`; a key without a value takes it from `values`; "
        "Swarm's placeholders such as `{{.Task.Slot}}` are filled in, other braces stay"
    ),
    "env_file": "read on the control node, below `environment`",
    "working_dir": Plain("ContainerSpec.Dir", default=""),
    "user": Plain("ContainerSpec.User", default=""),
    "group_add": Plain("ContainerSpec.Groups"),
    "hostname": Plain("ContainerSpec.Hostname", default="", remark="with Swarm's placeholders"),
    "init": Plain("ContainerSpec.Init"),
    "tty": Plain("ContainerSpec.TTY", default=False),
    "stdin_open": Plain("ContainerSpec.OpenStdin", default=False),
    "read_only": Plain("ContainerSpec.ReadOnly", default=False),
    "stop_signal": Plain("ContainerSpec.StopSignal", default=""),
    "stop_grace_period": "`ContainerSpec.StopGracePeriod`",
    "labels": "`ContainerSpec.Labels`: a change restarts the tasks",
    "ports": (
        "`EndpointSpec.Ports`, mode `ingress` or `host`; ranges are spread. Not on one address:"
        " loopback ports are left out with `loopback_ports: unpublished`"
    ),
    "expose": "no effect: services on one network reach every port of each other",
    "networks": "`TaskTemplate.Networks` with aliases; the service's own name is always one",
    "network_mode": "`host` and `bridge`: the network of each node",
    "volumes": (
        "`ContainerSpec.Mounts`: volume, bind, tmpfs; a bind's path must exist on the nodes, since"
        " `bind.create_host_path` has no effect. Relative paths where the Swarm has one node, or"
        " with `bind_mounts: everywhere`; files with `:ro` as configs with"
        " `bind_mounts: as_configs`. `volume.subpath`, which must exist, from engine API 1.45."
        " SELinux flags are ignored"
    ),
    "tmpfs": "`ContainerSpec.Mounts` of type tmpfs",
    "secrets": (
        "`ContainerSpec.Secrets`, objects named after their content; at two paths with one uid, gid"
        " and mode only"
    ),
    "configs": (
        "`ContainerSpec.Configs`, objects named after their content; at two paths with one uid, gid"
        " and mode only"
    ),
    "healthcheck": "`ContainerSpec.Healthcheck`; `start_interval` from engine API 1.44",
    "logging": "`TaskTemplate.LogDriver`",
    "extra_hosts": "`ContainerSpec.Hosts`",
    "dns": "`ContainerSpec.DNSConfig.Nameservers`",
    "dns_search": "`ContainerSpec.DNSConfig.Search`",
    "dns_opt": "`ContainerSpec.DNSConfig.Options`",
    "cap_add": "`ContainerSpec.CapabilityAdd`",
    "cap_drop": "`ContainerSpec.CapabilityDrop`",
    "shm_size": "`ContainerSpec.Mounts`: a tmpfs of that size at `/dev/shm`",
    "security_opt": (
        "`ContainerSpec.Privileges`: `label`; from engine API 1.44 `no-new-privileges`, and"
        " `unconfined` of `seccomp` and `apparmor`"
    ),
    "sysctls": "`ContainerSpec.Sysctls`",
    "ulimits": "`ContainerSpec.Ulimits`",
    "platform": "`Placement.Platforms`: only nodes of that OS and architecture",
    "restart": "`TaskTemplate.RestartPolicy`, unless `deploy.restart_policy` is there",
    "mem_limit": "as `deploy.resources.limits.memory`",
    "mem_reservation": "as `deploy.resources.reservations.memory`",
    "memswap_limit": "`Resources.SwapBytes`, without the memory; from engine API 1.52",
    "mem_swappiness": Plain(
        "Resources.MemorySwappiness",
        remark="from engine API 1.52; nodes with cgroup v2 ignore it",
    ),
    "oom_score_adj": Plain("ContainerSpec.OomScoreAdj", default=0, remark="from engine API 1.46"),
    "pids_limit": "as `deploy.resources.limits.pids`",
    "cpus": "as `deploy.resources.limits.cpus`",
    "gpus": "as `deploy.resources.reservations.devices`, with the capability gpu",
    "depends_on": (
        "orders the rollout: `service_started`, `service_healthy`, `service_completed_successfully`"
    ),
    "links": "as `depends_on`; both services need a common network; another name is an alias there",
    "profiles": (
        "read on the control node: as for `docker compose`, services are left out unless"
        " `COMPOSE_PROFILES` in `values` has one of their profiles"
    ),
    "scale": "as `deploy.replicas`",
    "x-shipping": (
        "`rollback: run`: a rollback runs the job; `routes` and `variants`: for the router;"
        " `probe` and `overlay.kubernetes` are for Kubernetes and ignored"
    ),
    "deploy.mode": "`Mode`: replicated, global, replicated-job or global-job",
    "deploy.replicas": (
        "`Mode.Replicated.Replicas`; if left out, the current number is kept (1 at first)"
    ),
    "deploy.endpoint_mode": "`EndpointSpec.Mode`: vip or dnsrr",
    "deploy.labels": "`Labels` of the service: a change restarts nothing",
    "deploy.placement.constraints": "`Placement.Constraints`",
    "deploy.placement.preferences": "`Placement.Preferences`",
    "deploy.placement.max_replicas_per_node": "`Placement.MaxReplicas`",
    "deploy.resources.limits": "`Resources.Limits`: cpus, memory, pids",
    "deploy.resources.reservations": (
        "`Resources.Reservations`: cpus, memory, and `GenericResources`: generic_resources as they"
        " are, devices of the capability gpu as the kind `gpu`"
    ),
    "deploy.restart_policy": "`TaskTemplate.RestartPolicy`",
    "deploy.update_config": "`UpdateConfig`",
    "deploy.rollback_config": "`RollbackConfig`, used where the engine itself rolls back",
}

PLAIN_KEYS = plain_keys(_KEYS)

# Key below services.<name> that is rejected -> what to write instead.
_REFUSED_KEYS: dict[str, str] = {
    "annotations": _NO_SUCH_SETTING,
    "blkio_config": "Swarm cannot limit block I/O; set it on the node",
    "cgroup": "Swarm chooses the cgroup; leave it out",
    "cgroup_parent": "Swarm chooses the cgroup; leave it out",
    "cpu_count": "write cpus or deploy.resources.limits.cpus",
    "cpu_percent": "write cpus or deploy.resources.limits.cpus",
    "cpu_period": "write cpus or deploy.resources.limits.cpus",
    "cpu_quota": "write cpus or deploy.resources.limits.cpus",
    "cpu_rt_period": "Swarm has no real-time scheduling; leave it out",
    "cpu_rt_runtime": "Swarm has no real-time scheduling; leave it out",
    "cpu_shares": "Swarm has no CPU shares; reserve CPUs by deploy.resources.reservations.cpus",
    "cpuset": "Swarm cannot pin CPUs; choose nodes by deploy.placement.constraints",
    "credential_spec": NOT_YET,
    "device_cgroup_rules": (
        "Swarm cannot give devices to services; bind-mount the device's socket, or run it"
        " outside the Swarm"
    ),
    "devices": (
        "Swarm cannot give devices to services; bind-mount the device's socket, or run it"
        " outside the Swarm"
    ),
    "domainname": "write the full name as hostname",
    "extends": "not supported; use a YAML anchor, or a second file in the compose list",
    "external_links": (
        "services find each other by name on a shared network; declare that network external"
    ),
    "ipc": "Swarm has no shared IPC namespaces; leave it out",
    "isolation": NOT_YET,
    "label_file": "write the labels under labels",
    "mac_address": "Swarm assigns addresses itself; leave it out",
    "models": NOT_YET,
    "oom_kill_disable": "Swarm cannot switch off the memory killer; leave it out",
    "pid": "Swarm has no shared process namespaces; leave it out",
    "post_start": "Swarm has no container hooks; do it in the image's entrypoint",
    "pre_start": "Swarm has no container hooks; do it in the image's entrypoint",
    "pre_stop": "Swarm has no container hooks; trap the stop signal in the application",
    "privileged": (
        "Swarm cannot run privileged containers; name the capabilities it needs under cap_add"
    ),
    "provider": NOT_YET,
    "runtime": (
        "Swarm uses each node's default runtime; set default-runtime in the nodes' daemon.json, and"
        " leave it out"
    ),
    "storage_opt": "Swarm has no storage options; leave it out",
    "umask": "Swarm cannot set it; set it in the image's entrypoint",
    "use_api_socket": "bind-mount /var/run/docker.sock where the service may use it",
    "userns_mode": "Swarm uses each node's default; leave it out",
    "uts": "Swarm has no shared host names; write hostname",
    "volumes_from": "name the volume in both services",
}

# Key path below a top-level section's entry -> how it is honored.
_OBJECT_KEYS: dict[str, str] = {
    "networks.name": "the network's name; else `<app>_<key>`",
    "networks.external": (
        "must exist already; never changed, never removed; `host` and `bridge` are those of each"
        " node"
    ),
    "networks.driver": "`overlay`; `bridge` is for one node and read as overlay",
    "networks.driver_opts": "options of the driver",
    "networks.attachable": "`Attachable`",
    "networks.internal": "`Internal`",
    "networks.ipam": (
        "`IPAM`: `driver`, `options`, and the `subnet`, `gateway` and `ip_range` of each `config`;"
        " the engine ignores `aux_addresses`, so it is an error"
    ),
    "networks.labels": "`Labels`",
    "volumes.name": "the volume's name; else `<app>_<key>`",
    "volumes.external": "mounted under its own name",
    "volumes.driver": "`VolumeOptions.DriverConfig.Name`; a volume that exists cannot change it",
    "volumes.driver_opts": (
        "`VolumeOptions.DriverConfig.Options`; a volume that exists cannot change them"
    ),
    "volumes.labels": "`VolumeOptions.Labels`; a volume that exists cannot change them",
    "secrets.name": (
        "the name of an external secret; otherwise the prefix of a name that follows the content"
    ),
    "secrets.external": "must exist already; never changed, never removed",
    "secrets.file": "read on the control node, also from Ansible Vault",
    "secrets.content": "the text itself; may contain `secret_values`",
    "secrets.environment": "the name of a value in `secret_values` or `values`",
    "secrets.labels": "`Labels` of the object",
    "secrets.template_driver": "`Templating`: `golang`, filled in for each task",
    "configs.name": (
        "the name of an external config; otherwise the prefix of a name that follows the content"
    ),
    "configs.external": "must exist already; never changed, never removed",
    "configs.file": "read on the control node, also from Ansible Vault",
    "configs.content": "the text itself",
    "configs.environment": "the name of a value in `values`",
    "configs.labels": "`Labels` of the object",
    "configs.template_driver": "`Templating`: `golang`, filled in for each task",
}

# Key path below a top-level section's entry that is rejected -> what to write instead.
_REFUSED_OBJECT_KEYS: dict[str, str] = {
    "networks.enable_ipv4": "Swarm decides itself; leave it out",
    "networks.enable_ipv6": NOT_YET,
    "secrets.driver": NOT_YET,
    "secrets.driver_opts": NOT_YET,
}

# Value that is rejected of a key that is supported -> what to write instead.
_REFUSED_VALUES: dict[str, str] = {
    "addresses": "Swarm assigns addresses itself; use the service's name or aliases",
    "all_devices": "Swarm reserves a number of devices, not all of a node; write count: 1",
    "device_ids": "Swarm chooses the devices itself; write count instead",
    "devices": (
        "Swarm reserves devices by the kind that its nodes offer, which is not known of {}; write"
        " generic_resources"
    ),
    "entrypoint": (
        "Swarm cannot clear an image's entrypoint; write the program that shall run instead"
    ),
    "host_ip": (
        "Swarm publishes on all addresses of a node, not on {} alone; "
        "leave the address out and close the port by a firewall, or do not publish it"
    ),
    "loopback_ip": (
        "Swarm publishes on all addresses of a node, not on {} alone; set loopback_ports:"
        " unpublished to leave the port out, or leave the address out and close the port by a"
        " firewall"
    ),
    "ipv4": "Swarm cannot switch this off; leave it out",
    "network_mode": (
        "Swarm knows only the networks host and bridge of a node, not {}; use another network"
    ),
    "seccomp": (
        "Swarm knows seccomp=unconfined here, and no profile such as {}; set the profile as each"
        " node's default"
    ),
    "security_opt": "Swarm has no option {}; set it as each node's default, or leave it out",
    "tmpfs": "Swarm's tmpfs supports size and mode, not {}; leave it out",
}


def _read_overlay(value: object, reader: SpecReader) -> object:
    return reader.problem("not supported yet on Swarm; leave it out")


def _check_probes(app: Compose, reader: SpecReader) -> None:
    """Note each probe, because Swarm checks health by ``healthcheck`` only."""
    for name, service in app.services.items():
        if "probe" in service.get("x-shipping", {}):
            reader.at("services").at(name).at("x-shipping").at("probe").note(
                "ignored, since Swarm checks with healthcheck"
            )


def _check_grants(app: Compose, reader: SpecReader) -> None:
    """Report a config or secret that a service gets at two paths with different owners or modes."""
    # The engine keeps one file for each object and links it to all paths, so that all have the
    # owner and the mode of the last one (Docker 20.10.24 and 26.1.5, configs and secrets).
    for name, service in app.services.items():
        for section in ("secrets", "configs"):
            seen: dict[str, Any] = {}
            for grant in service.get(section, []):
                first = seen.setdefault(_object_name(app, section, grant["source"]), grant)
                if _ownership(first) != _ownership(grant):
                    reader.at("services").at(name).at(section).problem(
                        f"{grant['source']} is mounted at {first['target']} and {grant['target']}"
                        " with different uid, gid or mode, and Swarm gives both paths the last one."
                        " Write the same for both, or declare the content once more under another"
                        " name"
                    )


def _object_name(app: Compose, section: str, source: str) -> str:
    entry = getattr(app, section).get(source, {})
    return f"external {entry['name']}" if entry.get("external") else source


def _ownership(grant: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(grant[key] for key in ("uid", "gid", "mode"))


def _check_addresses(app: Compose, reader: SpecReader) -> None:
    """Report addresses that overlay networks do not have."""
    for name, network in app.networks.items():
        place = reader.at("networks").at(name).at("ipam").at("config")
        for index, pool in enumerate(network.get("ipam", {}).get("config", [])):
            if ":" in pool["subnet"]:
                # A network of one such subnet: its tasks are rejected (20.10.24).
                place.at(index).at("subnet").problem(
                    "an overlay network has IPv4 addresses only; leave the subnet out"
                )
            if "aux_addresses" in pool:
                place.at(index).at("aux_addresses").problem(
                    "Swarm reserves no addresses, and tasks would get these; leave it out and"
                    " narrow the addresses of tasks by ip_range"
                )


def _check_host_ports(app: Compose, reader: SpecReader) -> None:
    """Report ports of all nodes of a service that is on the network of its node."""
    for name, service in app.services.items():
        on_host = node_networks.HOST in node_networks.joined(service, app.networks).values()
        if on_host and mesh_ports(service):
            # The engine creates the service and rejects each task (20.10.24).
            reader.at("services").at(name).at("ports").problem(
                "on the network host a service has the ports of its node, and the routing mesh"
                " cannot reach it; leave ports out, or publish with mode: host"
            )


def _check_apparmor(app: Compose, reader: SpecReader) -> None:
    """Report a profile, since the API can only switch the default one off."""
    for name, service in app.services.items():
        profile = service.get("security_opt", {}).get("apparmor", DEFAULT)
        if profile not in (UNCONFINED, DEFAULT):
            reader.at("services").at(name).at("security_opt").problem(
                f"Swarm knows apparmor=unconfined, and no profile such as {profile}; leave it out"
            )


def _check_ports(app: Compose, reader: SpecReader) -> None:
    """Report a port that one service publishes on all nodes and another one on its own."""
    owners: dict[tuple[Any, Any], str] = {}
    for name, service in app.services.items():
        for port in mesh_ports(service):
            owners[port["published"], port["protocol"]] = name
    for name, service in app.services.items():
        for port in service.get("ports", []):
            owner = owners.get((port.get("published"), port["protocol"]))
            if port["mode"] == "host" and owner:
                reader.at("services").at(name).at("ports").problem(
                    f"{port['published']}/{port['protocol']} is published by {owner} in mode"
                    " ingress, which reserves it on every node; publish another port"
                )


def _check_shared_memory(app: Compose, reader: SpecReader) -> None:
    """Report a service that mounts something else where its shared memory is."""
    for name, service in app.services.items():
        targets = {mount["target"] for mount in service.get("volumes", [])}
        if "shm_size" in service and _SHARED_MEMORY in targets:
            reader.at("services").at(name).at("shm_size").problem(
                f"another mount has the target {_SHARED_MEMORY}; write one of them"
            )


def _as_honored(app: Compose) -> Compose:
    """Return the app without probes, and with shared memory as the mount that it is."""
    services = {
        name: _with_shared_memory(_with_honored(service)) for name, service in app.services.items()
    }
    return replace(app, services=services)


_NOT_OF_SWARM = ("probe", "overlay")


def _with_honored(service: Service) -> Service:
    extension = service.get("x-shipping", {})
    honored = {key: value for key, value in extension.items() if key not in _NOT_OF_SWARM}
    rest = {key: value for key, value in service.items() if key != "x-shipping"}
    return {**rest, "x-shipping": honored} if honored else rest


def _with_shared_memory(service: Service) -> Service:
    """Return a service with a mount in place of the setting, which an engine has for containers."""
    if "shm_size" not in service:
        return service
    kept = {key: value for key, value in service.items() if key != "shm_size"}
    # As for docker run: a size of 0 is the engine's default.
    if not octets(service["shm_size"]):
        return kept
    mount = {"type": "tmpfs", "target": _SHARED_MEMORY, "tmpfs": {"size": service["shm_size"]}}
    return {**kept, "volumes": [*service.get("volumes", []), mount]}


SUPPORT = Support(
    platform="swarm",
    keys=texts(_KEYS),
    refused_keys=_REFUSED_KEYS,
    object_keys=_OBJECT_KEYS,
    refused_object_keys=_REFUSED_OBJECT_KEYS,
    refused_values=_REFUSED_VALUES,
    read_overlay=_read_overlay,
    device_kinds={"gpu": "gpu", "nvidia/gpu": "gpu"},
    # A Swarm has them under the same names; it has no network none (20.10.24).
    node_networks=(node_networks.HOST, "bridge"),
    checks=(
        _check_probes,
        _check_grants,
        _check_addresses,
        _check_host_ports,
        _check_apparmor,
        _check_ports,
        _check_shared_memory,
    ),
    as_honored=_as_honored,
    routed=True,
    relative_binds=True,
)
