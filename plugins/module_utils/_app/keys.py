# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Compose keys a platform honours, and how; what it cannot honour, and what to write instead.

The tables are the one place that says so: the reader refuses by them, the guide's table is held
against them by a test. Keys: https://github.com/compose-spec/compose-spec/blob/main/spec.md
"""

from __future__ import annotations

SWARM = "swarm"
PLATFORMS = (SWARM,)

# Key path below services.<name> -> how each platform honours it.
SERVICE_KEYS: dict[str, dict[str, str]] = {
    "image": {SWARM: "`ContainerSpec.Image`, resolved to `name:tag@digest`"},
    "command": {SWARM: "`ContainerSpec.Args`"},
    "entrypoint": {SWARM: "`ContainerSpec.Command`"},
    "environment": {
        SWARM: "`ContainerSpec.Env`; a key without a value takes it from `values`; "
        "Swarm's placeholders such as `{{.Task.Slot}}` are filled in, other braces stay"
    },
    "env_file": {SWARM: "read on the control machine, below `environment`"},
    "working_dir": {SWARM: "`ContainerSpec.Dir`"},
    "user": {SWARM: "`ContainerSpec.User`"},
    "group_add": {SWARM: "`ContainerSpec.Groups`"},
    "hostname": {SWARM: "`ContainerSpec.Hostname`, with Swarm's placeholders"},
    "init": {SWARM: "`ContainerSpec.Init`"},
    "tty": {SWARM: "`ContainerSpec.TTY`"},
    "stdin_open": {SWARM: "`ContainerSpec.OpenStdin`"},
    "read_only": {SWARM: "`ContainerSpec.ReadOnly`"},
    "stop_signal": {SWARM: "`ContainerSpec.StopSignal`"},
    "stop_grace_period": {SWARM: "`ContainerSpec.StopGracePeriod`"},
    "labels": {SWARM: "`ContainerSpec.Labels`: a change restarts the tasks"},
    "ports": {SWARM: "`EndpointSpec.Ports`, mode `ingress` or `host`; ranges are spread"},
    "expose": {SWARM: "nothing to do: services on one network reach every port of each other"},
    "networks": {SWARM: "`TaskTemplate.Networks` with aliases; the service's own name is always one"},
    "network_mode": {SWARM: "`host` only: the network `host`"},
    "volumes": {SWARM: "`ContainerSpec.Mounts`: volume, bind (absolute paths), tmpfs"},
    "tmpfs": {SWARM: "`ContainerSpec.Mounts` of type tmpfs"},
    "secrets": {SWARM: "`ContainerSpec.Secrets`, objects named after their content"},
    "configs": {SWARM: "`ContainerSpec.Configs`, objects named after their content"},
    "healthcheck": {SWARM: "`ContainerSpec.Healthcheck`; `start_interval` from engine API 1.44"},
    "logging": {SWARM: "`TaskTemplate.LogDriver`"},
    "extra_hosts": {SWARM: "`ContainerSpec.Hosts`"},
    "dns": {SWARM: "`ContainerSpec.DNSConfig.Nameservers`"},
    "dns_search": {SWARM: "`ContainerSpec.DNSConfig.Search`"},
    "dns_opt": {SWARM: "`ContainerSpec.DNSConfig.Options`"},
    "cap_add": {SWARM: "`ContainerSpec.CapabilityAdd`"},
    "cap_drop": {SWARM: "`ContainerSpec.CapabilityDrop`"},
    "sysctls": {SWARM: "`ContainerSpec.Sysctls`"},
    "ulimits": {SWARM: "`ContainerSpec.Ulimits`"},
    "platform": {SWARM: "`Placement.Platforms`: only machines of that OS and architecture"},
    "restart": {SWARM: "`TaskTemplate.RestartPolicy`, unless `deploy.restart_policy` is there"},
    "mem_limit": {SWARM: "as `deploy.resources.limits.memory`"},
    "mem_reservation": {SWARM: "as `deploy.resources.reservations.memory`"},
    "pids_limit": {SWARM: "as `deploy.resources.limits.pids`"},
    "cpus": {SWARM: "as `deploy.resources.limits.cpus`"},
    "depends_on": {SWARM: "orders the rollout: `service_started`, `service_healthy`"},
    "deploy.mode": {SWARM: "`Mode`: replicated or global"},
    "deploy.replicas": {SWARM: "`Mode.Replicated.Replicas`; left out, the number in place stays (1 at first)"},
    "deploy.endpoint_mode": {SWARM: "`EndpointSpec.Mode`: vip or dnsrr"},
    "deploy.labels": {SWARM: "`Labels` of the service: a change restarts nothing"},
    "deploy.placement.constraints": {SWARM: "`Placement.Constraints`"},
    "deploy.placement.preferences": {SWARM: "`Placement.Preferences`"},
    "deploy.placement.max_replicas_per_node": {SWARM: "`Placement.MaxReplicas`"},
    "deploy.resources.limits": {SWARM: "`Resources.Limits`: cpus, memory, pids"},
    "deploy.resources.reservations": {SWARM: "`Resources.Reservations`: cpus, memory"},
    "deploy.restart_policy": {SWARM: "`TaskTemplate.RestartPolicy`"},
    "deploy.update_config": {SWARM: "`UpdateConfig`"},
    "deploy.rollback_config": {SWARM: "`RollbackConfig`, used where the engine itself rolls back"},
}

# Keys that concern only work on one's own machine: passed over, and named in one line.
LOCAL_KEYS = frozenset({"attach", "build", "container_name", "develop", "pull_policy", "pull_refresh_after"})

_ON_KUBERNETES_ONLY = "Swarm has no such setting; leave it out"
_NOT_YET = "not supported yet; leave it out"

# Keys below services.<name> that a platform cannot honour -> what to write instead.
REFUSED_KEYS: dict[str, dict[str, str]] = {
    SWARM: {
        "annotations": _ON_KUBERNETES_ONLY,
        "blkio_config": "Swarm cannot limit block I/O; set it on the machine",
        "cgroup": "Swarm chooses the cgroup; leave it out",
        "cgroup_parent": "Swarm chooses the cgroup; leave it out",
        "cpu_count": "write cpus or deploy.resources.limits.cpus",
        "cpu_percent": "write cpus or deploy.resources.limits.cpus",
        "cpu_period": "write cpus or deploy.resources.limits.cpus",
        "cpu_quota": "write cpus or deploy.resources.limits.cpus",
        "cpu_rt_period": "Swarm has no real-time scheduling; leave it out",
        "cpu_rt_runtime": "Swarm has no real-time scheduling; leave it out",
        "cpu_shares": "Swarm has no CPU shares; reserve CPUs by deploy.resources.reservations.cpus",
        "cpuset": "Swarm cannot pin CPUs; choose machines by deploy.placement.constraints",
        "credential_spec": _NOT_YET,
        "device_cgroup_rules": "Swarm cannot give devices to services; bind-mount the device's socket, or run it outside the Swarm",
        "devices": "Swarm cannot give devices to services; bind-mount the device's socket, or run it outside the Swarm",
        "domainname": "write the full name as hostname",
        "extends": "not supported; use a YAML anchor, or a second file in the compose list",
        "external_links": "services find each other by name on a shared network; declare that network external",
        "gpus": "Swarm cannot give devices to services; choose machines by deploy.placement.constraints",
        "ipc": "Swarm has no shared IPC namespaces; leave it out",
        "isolation": _NOT_YET,
        "label_file": "write the labels under labels",
        "links": "services find each other by name on a shared network; use networks and aliases",
        "mac_address": "Swarm gives addresses itself; leave it out",
        "mem_swappiness": "Swarm cannot tune swap; leave it out",
        "memswap_limit": "Swarm cannot limit swap; write mem_limit",
        "models": _NOT_YET,
        "oom_kill_disable": "Swarm cannot switch off the memory killer; leave it out",
        "oom_score_adj": "Swarm cannot tune the memory killer; leave it out",
        "pid": "Swarm has no shared process namespaces; leave it out",
        "post_start": "Swarm has no container hooks; do it in the image's entrypoint",
        "pre_start": "Swarm has no container hooks; do it in the image's entrypoint",
        "pre_stop": "Swarm has no container hooks; trap the stop signal in the application",
        "privileged": "Swarm cannot run privileged containers; name the capabilities it needs under cap_add",
        "profiles": "a release has no profiles; keep such services in a file of their own and list it under compose when wanted",
        "provider": _NOT_YET,
        "runtime": "Swarm uses each machine's default runtime; leave it out",
        "scale": "write deploy.replicas",
        "security_opt": "Swarm takes no security options; set them as each machine's default",
        "shm_size": "Swarm has no such setting; mount a tmpfs at /dev/shm: volumes: [{type: tmpfs, target: /dev/shm, tmpfs: {size: 256m}}]",
        "storage_opt": "Swarm takes no storage options; leave it out",
        "umask": "Swarm cannot set it; set it in the image's entrypoint",
        "use_api_socket": "bind-mount /var/run/docker.sock where the service may use it",
        "userns_mode": "Swarm uses each machine's default; leave it out",
        "uts": "Swarm has no shared host names; write hostname",
        "volumes_from": "name the volume in both services",
    },
}

# Key path below a top-level section's entry -> how each platform honours it.
OBJECT_KEYS: dict[str, dict[str, str]] = {
    "networks.name": {SWARM: "the network's name; else `<app>_<key>`"},
    "networks.external": {SWARM: "must exist already; never changed, never removed"},
    "networks.driver": {SWARM: "`overlay`; `bridge` is for one machine and read as overlay"},
    "networks.driver_opts": {SWARM: "options of the driver"},
    "networks.attachable": {SWARM: "`Attachable`"},
    "networks.internal": {SWARM: "`Internal`"},
    "networks.labels": {SWARM: "`Labels`"},
    "volumes.name": {SWARM: "the volume's name; else `<app>_<key>`"},
    "volumes.external": {SWARM: "mounted under its own name"},
    "volumes.driver": {SWARM: "`VolumeOptions.DriverConfig.Name`"},
    "volumes.driver_opts": {SWARM: "`VolumeOptions.DriverConfig.Options`"},
    "volumes.labels": {SWARM: "`VolumeOptions.Labels`"},
    "secrets.name": {SWARM: "the name of an external secret"},
    "secrets.external": {SWARM: "must exist already; never changed, never removed"},
    "secrets.file": {SWARM: "read on the control machine, also from Ansible Vault"},
    "secrets.content": {SWARM: "the text itself; may hold `secret_values`"},
    "secrets.environment": {SWARM: "the name of a value in `secret_values` or `values`"},
    "secrets.labels": {SWARM: "`Labels` of the object"},
    "configs.name": {SWARM: "the name of an external config"},
    "configs.external": {SWARM: "must exist already; never changed, never removed"},
    "configs.file": {SWARM: "read on the control machine, also from Ansible Vault"},
    "configs.content": {SWARM: "the text itself"},
    "configs.environment": {SWARM: "the name of a value in `values`"},
    "configs.labels": {SWARM: "`Labels` of the object"},
}

# Key path below a top-level section's entry that cannot be honoured -> what to write instead.
REFUSED_OBJECT_KEYS: dict[str, dict[str, str]] = {
    SWARM: {
        "networks.enable_ipv4": "Swarm decides itself; leave it out",
        "networks.enable_ipv6": _NOT_YET,
        "networks.ipam": "make the network beforehand and declare it external",
        "secrets.driver": _NOT_YET,
        "secrets.driver_opts": _NOT_YET,
        "secrets.template_driver": _NOT_YET,
        "configs.template_driver": _NOT_YET,
    },
}


def below(section: str, table: dict[str, str]) -> dict[str, str]:
    """The entries of ``table`` that stand below ``section``, without that prefix."""
    prefix = f"{section}."
    return {path[len(prefix) :]: value for path, value in table.items() if path.startswith(prefix)}
