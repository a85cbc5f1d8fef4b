# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Compose keys a platform honours, and how; what it cannot honour, and what to write instead.

The tables are the one place that says so: the reader refuses by them, the guide's table is held
against them by a test. Keys: https://github.com/compose-spec/compose-spec/blob/main/spec.md
"""

from __future__ import annotations

SWARM, KUBERNETES = "swarm", "kubernetes"
PLATFORMS = (SWARM, KUBERNETES)

# Key path below services.<name> -> how the platform honours it.
_SWARM_KEYS = {
    "image": "`ContainerSpec.Image`, resolved to `name:tag@digest`",
    "command": "`ContainerSpec.Args`",
    "entrypoint": "`ContainerSpec.Command`",
    "environment": (
        "`ContainerSpec.Env`; a key without a value takes it from `values`; "
        "Swarm's placeholders such as `{{.Task.Slot}}` are filled in, other braces stay"
    ),
    "env_file": "read on the control machine, below `environment`",
    "working_dir": "`ContainerSpec.Dir`",
    "user": "`ContainerSpec.User`",
    "group_add": "`ContainerSpec.Groups`",
    "hostname": "`ContainerSpec.Hostname`, with Swarm's placeholders",
    "init": "`ContainerSpec.Init`",
    "tty": "`ContainerSpec.TTY`",
    "stdin_open": "`ContainerSpec.OpenStdin`",
    "read_only": "`ContainerSpec.ReadOnly`",
    "stop_signal": "`ContainerSpec.StopSignal`",
    "stop_grace_period": "`ContainerSpec.StopGracePeriod`",
    "labels": "`ContainerSpec.Labels`: a change restarts the tasks",
    "ports": "`EndpointSpec.Ports`, mode `ingress` or `host`; ranges are spread",
    "expose": "nothing to do: services on one network reach every port of each other",
    "networks": "`TaskTemplate.Networks` with aliases; the service's own name is always one",
    "network_mode": "`host` only: the network `host`",
    "volumes": "`ContainerSpec.Mounts`: volume, bind (absolute paths), tmpfs",
    "tmpfs": "`ContainerSpec.Mounts` of type tmpfs",
    "secrets": "`ContainerSpec.Secrets`, objects named after their content",
    "configs": "`ContainerSpec.Configs`, objects named after their content",
    "healthcheck": "`ContainerSpec.Healthcheck`; `start_interval` from engine API 1.44",
    "logging": "`TaskTemplate.LogDriver`",
    "extra_hosts": "`ContainerSpec.Hosts`",
    "dns": "`ContainerSpec.DNSConfig.Nameservers`",
    "dns_search": "`ContainerSpec.DNSConfig.Search`",
    "dns_opt": "`ContainerSpec.DNSConfig.Options`",
    "cap_add": "`ContainerSpec.CapabilityAdd`",
    "cap_drop": "`ContainerSpec.CapabilityDrop`",
    "sysctls": "`ContainerSpec.Sysctls`",
    "ulimits": "`ContainerSpec.Ulimits`",
    "platform": "`Placement.Platforms`: only machines of that OS and architecture",
    "restart": "`TaskTemplate.RestartPolicy`, unless `deploy.restart_policy` is there",
    "mem_limit": "as `deploy.resources.limits.memory`",
    "mem_reservation": "as `deploy.resources.reservations.memory`",
    "pids_limit": "as `deploy.resources.limits.pids`",
    "cpus": "as `deploy.resources.limits.cpus`",
    "depends_on": "orders the rollout: `service_started`, `service_healthy`",
    "x-shipping": "`probe` and `overlay.kubernetes` are for Kubernetes and passed over",
    "deploy.mode": "`Mode`: replicated or global",
    "deploy.replicas": (
        "`Mode.Replicated.Replicas`; left out, the number in place stays (1 at first)"
    ),
    "deploy.endpoint_mode": "`EndpointSpec.Mode`: vip or dnsrr",
    "deploy.labels": "`Labels` of the service: a change restarts nothing",
    "deploy.placement.constraints": "`Placement.Constraints`",
    "deploy.placement.preferences": "`Placement.Preferences`",
    "deploy.placement.max_replicas_per_node": "`Placement.MaxReplicas`",
    "deploy.resources.limits": "`Resources.Limits`: cpus, memory, pids",
    "deploy.resources.reservations": "`Resources.Reservations`: cpus, memory",
    "deploy.restart_policy": "`TaskTemplate.RestartPolicy`",
    "deploy.update_config": "`UpdateConfig`",
    "deploy.rollback_config": "`RollbackConfig`, used where the engine itself rolls back",
}

_KUBERNETES_KEYS = {
    "image": "`image`, resolved to `name:tag@digest`",
    "command": "`args`; `$(` is escaped",
    "entrypoint": "`command`; `$(` is escaped",
    "environment": (
        "`env`; a key without a value takes it from `values`; `$(` is escaped; of Swarm's"
        " placeholders the names and ids of node, task and service are filled in, the others are"
        " refused"
    ),
    "env_file": "read on the control machine, below `environment`",
    "working_dir": "`workingDir`",
    "user": "`securityContext.runAsUser` and `runAsGroup`: numbers only",
    "group_add": "`securityContext.supplementalGroups` of the pod: numbers only",
    "hostname": "`hostname` of the pod",
    "init": (
        "`shareProcessNamespace`: the pod's pause process reaps zombies, and the program is not PID"
        " 1; passed over beside `stop_signal`"
    ),
    "tty": "`tty`",
    "stdin_open": "`stdin`",
    "read_only": "`securityContext.readOnlyRootFilesystem`",
    "stop_signal": (
        "a `preStop` hook that sends it and waits, which needs `/bin/sh` in the image; `SIGTERM` is"
        " the default anyway"
    ),
    "stop_grace_period": "`terminationGracePeriodSeconds`, rounded up to seconds",
    "labels": (
        "labels of the pods, or annotations where a label may not be so written: a change restarts"
        " the pods"
    ),
    "annotations": "annotations of the pods: a change restarts the pods",
    "ports": (
        "`ingress`: a Service of type LoadBalancer (NodePort from 30000 to 32767) beside the"
        " service's own; `host`: `hostPort`"
    ),
    "expose": "ports of the service's own Service",
    "networks": (
        "one NetworkPolicy a network, which the cluster's network plugin has to enforce; each alias"
        " is a Service"
    ),
    "network_mode": "`host` only: `hostNetwork`",
    "volumes": (
        "volume: a PersistentVolumeClaim, or `emptyDir` without a name; bind: `hostPath`; tmpfs:"
        " `emptyDir` in memory"
    ),
    "tmpfs": (
        "`emptyDir` in memory with a `sizeLimit`; `mode` is passed over, since everybody may write"
        " there"
    ),
    "secrets": (
        "a Secret named after its content, mounted as a file; `gid` by `fsGroup`, `uid` only 0 or"
        " the user's"
    ),
    "configs": "a ConfigMap named after its content, mounted as a file",
    "healthcheck": (
        "`startupProbe` (for `start_period`), `readinessProbe` and `livenessProbe`; times are"
        " rounded up to seconds"
    ),
    "logging": (
        "`json-file`, `local`, `journald` and `none` are passed over, since the machines keep the"
        " logs; other drivers are refused"
    ),
    "extra_hosts": "`hostAliases`",
    "dns": "`dnsConfig.nameservers`, beside the cluster's own",
    "dns_search": "`dnsConfig.searches`, beside the cluster's own",
    "dns_opt": "`dnsConfig.options`",
    "cap_add": "`securityContext.capabilities.add`",
    "cap_drop": "`securityContext.capabilities.drop`",
    "privileged": "`securityContext.privileged`",
    "shm_size": "an `emptyDir` in memory at `/dev/shm`",
    "sysctls": "`securityContext.sysctls` of the pod",
    "ulimits": "passed over: the machines' container runtime sets them",
    "platform": "`nodeSelector`: `kubernetes.io/os` and `kubernetes.io/arch`",
    "restart": (
        "`always`, `unless-stopped` and `on-failure`: pods are always started again; `no` is"
        " refused"
    ),
    "mem_limit": "as `deploy.resources.limits.memory`",
    "mem_reservation": "as `deploy.resources.reservations.memory`",
    "pids_limit": "passed over: kubelets limit processes (`podPidsLimit`)",
    "cpus": "as `deploy.resources.limits.cpus`",
    "depends_on": "orders the rollout: `service_started`, `service_healthy`",
    "x-shipping": (
        "`probe`: the health check by HTTP or TCP; `overlay.kubernetes`: raw fields by kind of"
        " object"
    ),
    "deploy.mode": "replicated: a Deployment; global: a DaemonSet",
    "deploy.replicas": "`replicas`; left out, the number in place stays (1 at first)",
    "deploy.endpoint_mode": (
        "vip: a Service with an address; dnsrr: a headless Service; without ports it is headless"
        " anyway"
    ),
    "deploy.labels": (
        "labels of the Deployment, or annotations where a label may not be so written: a change"
        " restarts nothing"
    ),
    "deploy.placement.constraints": (
        "`nodeAffinity`: `node.labels.*`, `node.hostname`, `node.id`, `node.role`,"
        " `node.platform.*`"
    ),
    "deploy.placement.preferences": "`topologySpreadConstraints` that may be broken",
    "deploy.placement.max_replicas_per_node": "1 only: `podAntiAffinity`",
    "deploy.resources.limits": "`resources.limits`: cpus, memory; pids is passed over",
    "deploy.resources.reservations": (
        "`resources.requests`: cpus, memory; what is not reserved is requested as 0"
    ),
    "deploy.restart_policy": (
        "as `restart`; `delay`, `window` and `max_attempts` are passed over, since kubelets have a"
        " back-off of their own"
    ),
    "deploy.update_config": (
        "`maxSurge`, `maxUnavailable`, `minReadySeconds` (the larger of `delay` and `monitor`);"
        " `failure_action` and `max_failure_ratio` are passed over, since this collection goes back"
        " by itself"
    ),
    "deploy.rollback_config": "passed over: the way back is an update like any other",
}


def _by_key(**tables: dict[str, str]) -> dict[str, dict[str, str]]:
    keys = dict.fromkeys(key for table in tables.values() for key in table)
    return {
        key: {platform: table[key] for platform, table in tables.items() if key in table}
        for key in keys
    }


# Key path below services.<name> -> how each platform honours it.
SERVICE_KEYS = _by_key(swarm=_SWARM_KEYS, kubernetes=_KUBERNETES_KEYS)

# Keys that concern only work on one's own machine: passed over, and named in one line.
LOCAL_KEYS = frozenset(
    {"attach", "build", "container_name", "develop", "pull_policy", "pull_refresh_after"}
)

_ON_KUBERNETES_ONLY = "Swarm has no such setting; leave it out"
_NOT_YET = "not supported yet; leave it out"
_BY_OVERLAY = "write {} under x-shipping.overlay.kubernetes"

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
        "gpus": (
            "Swarm cannot give devices to services; choose machines by deploy.placement.constraints"
        ),
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
        "privileged": (
            "Swarm cannot run privileged containers; name the capabilities it needs under cap_add"
        ),
        "profiles": (
            "a release has no profiles; keep such services in a file of their own and list it under"
            " compose when wanted"
        ),
        "provider": _NOT_YET,
        "runtime": "Swarm uses each machine's default runtime; leave it out",
        "scale": "write deploy.replicas",
        "security_opt": "Swarm takes no security options; set them as each machine's default",
        "shm_size": (
            "Swarm has no such setting; mount a tmpfs at /dev/shm: volumes: [{type: tmpfs, target:"
            " /dev/shm, tmpfs: {size: 256m}}]"
        ),
        "storage_opt": "Swarm takes no storage options; leave it out",
        "umask": "Swarm cannot set it; set it in the image's entrypoint",
        "use_api_socket": "bind-mount /var/run/docker.sock where the service may use it",
        "userns_mode": "Swarm uses each machine's default; leave it out",
        "uts": "Swarm has no shared host names; write hostname",
        "volumes_from": "name the volume in both services",
    },
    KUBERNETES: {
        "blkio_config": "Kubernetes cannot limit block I/O; set it on the machine",
        "cgroup": "Kubernetes chooses the cgroup; leave it out",
        "cgroup_parent": "Kubernetes chooses the cgroup; leave it out",
        "cpu_count": "write cpus or deploy.resources.limits.cpus",
        "cpu_percent": "write cpus or deploy.resources.limits.cpus",
        "cpu_period": "write cpus or deploy.resources.limits.cpus",
        "cpu_quota": "write cpus or deploy.resources.limits.cpus",
        "cpu_rt_period": "Kubernetes has no real-time scheduling; leave it out",
        "cpu_rt_runtime": "Kubernetes has no real-time scheduling; leave it out",
        "cpu_shares": "reserve CPUs by deploy.resources.reservations.cpus",
        "cpuset": (
            "Kubernetes pins CPUs by the kubelet's policy; choose machines by"
            " deploy.placement.constraints"
        ),
        "credential_spec": _NOT_YET,
        "device_cgroup_rules": _BY_OVERLAY.format("resources of the device's plugin"),
        "devices": _BY_OVERLAY.format("resources of the device's plugin"),
        "domainname": "pods have no domain of their own; write hostname",
        "extends": "not supported; use a YAML anchor, or a second file in the compose list",
        "external_links": "services find each other by name in a namespace; leave it out",
        "gpus": _BY_OVERLAY.format("resources of the device's plugin"),
        "ipc": _BY_OVERLAY.format("hostIPC"),
        "isolation": _NOT_YET,
        "label_file": "write the labels under labels",
        "links": "services find each other by name in a namespace; use aliases for other names",
        "mac_address": "Kubernetes gives addresses itself; leave it out",
        "mem_swappiness": "Kubernetes cannot tune swap; leave it out",
        "memswap_limit": "Kubernetes cannot limit swap; write mem_limit",
        "models": _NOT_YET,
        "oom_kill_disable": "Kubernetes cannot switch off the memory killer; leave it out",
        "oom_score_adj": (
            "Kubernetes sets it by what is reserved; write deploy.resources.reservations.memory"
        ),
        "pid": _BY_OVERLAY.format("hostPID"),
        "post_start": _BY_OVERLAY.format("lifecycle.postStart"),
        "pre_start": _BY_OVERLAY.format("initContainers"),
        "pre_stop": _BY_OVERLAY.format("lifecycle.preStop"),
        "profiles": (
            "a release has no profiles; keep such services in a file of their own and list it under"
            " compose when wanted"
        ),
        "provider": _NOT_YET,
        "runtime": _BY_OVERLAY.format("runtimeClassName"),
        "scale": "write deploy.replicas",
        "security_opt": _BY_OVERLAY.format("securityContext"),
        "storage_opt": "Kubernetes takes no storage options; leave it out",
        "umask": "Kubernetes cannot set it; set it in the image's entrypoint",
        "use_api_socket": "there is no engine's socket on Kubernetes; leave it out",
        "userns_mode": _BY_OVERLAY.format("hostUsers"),
        "uts": "pods have a host name of their own; write hostname",
        "volumes_from": "name the volume in both services",
    },
}

# Key path below a top-level section's entry -> how the platform honours it.
_SWARM_OBJECT_KEYS = {
    "networks.name": "the network's name; else `<app>_<key>`",
    "networks.external": "must exist already; never changed, never removed",
    "networks.driver": "`overlay`; `bridge` is for one machine and read as overlay",
    "networks.driver_opts": "options of the driver",
    "networks.attachable": "`Attachable`",
    "networks.internal": "`Internal`",
    "networks.labels": "`Labels`",
    "volumes.name": "the volume's name; else `<app>_<key>`",
    "volumes.external": "mounted under its own name",
    "volumes.driver": "`VolumeOptions.DriverConfig.Name`",
    "volumes.driver_opts": "`VolumeOptions.DriverConfig.Options`",
    "volumes.labels": "`VolumeOptions.Labels`",
    "secrets.name": "the name of an external secret",
    "secrets.external": "must exist already; never changed, never removed",
    "secrets.file": "read on the control machine, also from Ansible Vault",
    "secrets.content": "the text itself; may hold `secret_values`",
    "secrets.environment": "the name of a value in `secret_values` or `values`",
    "secrets.labels": "`Labels` of the object",
    "configs.name": "the name of an external config",
    "configs.external": "must exist already; never changed, never removed",
    "configs.file": "read on the control machine, also from Ansible Vault",
    "configs.content": "the text itself",
    "configs.environment": "the name of a value in `values`",
    "configs.labels": "`Labels` of the object",
}

_KUBERNETES_OBJECT_KEYS = {
    "networks.name": "the NetworkPolicy's name; else `<app>-<key>`",
    "networks.external": (
        "a NetworkPolicy that must exist already: its app lets this one's pods in, and they let"
        " it in"
    ),
    "networks.driver": "passed over: the cluster has one network for all",
    "networks.driver_opts": "passed over: the cluster has one network for all",
    "networks.attachable": "passed over: whoever bears the network's label is on it",
    "networks.internal": (
        "pods on internal networks only reach nothing but those networks and the cluster's DNS"
    ),
    "networks.labels": "labels or annotations of the NetworkPolicy",
    "volumes.name": "the PersistentVolumeClaim's name; else `<app>-<key>`",
    "volumes.external": "a PersistentVolumeClaim that must exist already",
    "volumes.driver": "`storageClassName`; the cluster's default class where it is left out",
    "volumes.driver_opts": "`size` (1Gi) and `access_mode` (ReadWriteOnce); others are refused",
    "volumes.labels": "labels or annotations of the PersistentVolumeClaim",
    "secrets.name": "the name of an external Secret",
    "secrets.external": (
        "a Secret with one key that must exist already; never changed, never removed"
    ),
    "secrets.file": "read on the control machine, also from Ansible Vault",
    "secrets.content": "the text itself; may hold `secret_values`",
    "secrets.environment": "the name of a value in `secret_values` or `values`",
    "secrets.labels": "labels or annotations of the Secret",
    "configs.name": "the name of an external ConfigMap",
    "configs.external": (
        "a ConfigMap with one key that must exist already; never changed, never removed"
    ),
    "configs.file": "read on the control machine, also from Ansible Vault",
    "configs.content": "the text itself",
    "configs.environment": "the name of a value in `values`",
    "configs.labels": "labels or annotations of the ConfigMap",
}

# Key path below a top-level section's entry -> how each platform honours it.
OBJECT_KEYS = _by_key(swarm=_SWARM_OBJECT_KEYS, kubernetes=_KUBERNETES_OBJECT_KEYS)

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
    KUBERNETES: {
        "networks.enable_ipv4": "the cluster decides; leave it out",
        "networks.enable_ipv6": "the cluster decides; leave it out",
        "networks.ipam": "the cluster gives addresses; leave it out",
        "secrets.driver": _NOT_YET,
        "secrets.driver_opts": _NOT_YET,
        "secrets.template_driver": _NOT_YET,
        "configs.template_driver": _NOT_YET,
    },
}

# What a platform cannot honour of the value of a key that it knows -> what to write instead; it
# honours the others.
REFUSED_VALUES: dict[str, dict[str, str]] = {
    SWARM: {
        "addresses": "Swarm gives addresses itself; use the service's name or aliases",
        "devices": (
            "Swarm cannot give devices to services; choose machines by deploy.placement.constraints"
        ),
        "entrypoint": (
            "Swarm cannot clear an image's entrypoint; write the program that shall run instead"
        ),
        "host_ip": (
            "Swarm publishes on all addresses of a machine, not on {} alone; "
            "leave the address out and close the port by a firewall, or do not publish it"
        ),
        "ipv4": "Swarm cannot switch this off; leave it out",
        "network_mode": "Swarm knows only network_mode host, not {}; use networks",
        "selinux": "Swarm cannot relabel for SELinux; label the directory on the machines{}",
        "tmpfs": "Swarm's tmpfs knows size and mode, not {}; leave it out",
    },
    KUBERNETES: {
        "addresses": "Kubernetes gives addresses itself; use the service's name or aliases",
        "devices": _BY_OVERLAY.format("resources of the device's plugin"),
        "entrypoint": (
            "Kubernetes cannot clear an image's entrypoint; write the program that shall run"
            " instead"
        ),
        "host_ip": (
            "Kubernetes publishes on all addresses of a machine, not on {} alone; "
            "leave the address out and close the port by a firewall, or do not publish it"
        ),
        "ipv4": "the cluster decides; leave it out",
        "network_mode": "Kubernetes knows only network_mode host, not {}; use networks",
        "selinux": "Kubernetes labels volumes for SELinux by itself; leave it out",
        "tmpfs": "a tmpfs on Kubernetes knows size, not {}; leave it out",
    },
}


def honoured(platform: str, table: dict[str, dict[str, str]]) -> dict[str, str]:
    """What of a table a platform honours, and how."""
    return {path: cells[platform] for path, cells in table.items() if platform in cells}


def below(section: str, table: dict[str, str]) -> dict[str, str]:
    """The entries of ``table`` that stand below ``section``, without that prefix."""
    prefix = f"{section}."
    return {path[len(prefix) :]: value for path, value in table.items() if path.startswith(prefix)}
