# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Compose keys that Kubernetes supports, and how; those that it rejects, and alternatives.

The guide's table is held against these tables by a test.
Keys: https://github.com/compose-spec/compose-spec/blob/main/spec.md
"""

from __future__ import annotations

from ..._compose.keys import NOT_YET
from ..._compose.support import Plain, Support, plain_keys, texts
from ..._core.errors import suggestion
from ..._core.parsing import SpecReader
from .compose_checks import CHECKS
from .ignored_settings import as_honored, note_ignored

_NO_TEMPLATES = (
    "Kubernetes fills in no templates; write the values themselves, or give them to the service"
    " under environment"
)
_BY_OVERLAY = "write {} under x-shipping.overlay.kubernetes"
# Of the pod; of a global service below DaemonSet.
_BY_POD = _BY_OVERLAY.format("Deployment.spec.template.spec.{}")

# Key path below services.<name> -> how it is honored.
_KEYS: dict[str, str | Plain] = {
    "image": "`image`, resolved to `name:tag@digest`",
    "command": "`args`; `$(` is escaped",
    "entrypoint": "`command`; `$(` is escaped",
    "environment": (
        "`env`; a key without a value takes it from `values`; `$(` is escaped; of Swarm's"
        " placeholders the names and ids of node, task and service are filled in, the others are"
        " an error"
    ),
    "env_file": "read on the control node, below `environment`",
    "working_dir": Plain("workingDir"),
    "user": "`securityContext.runAsUser` and `runAsGroup`: numbers, or `root`",
    "group_add": "`securityContext.supplementalGroups` of the pod: numbers only",
    "hostname": "`hostname` of the pod",
    "init": (
        "`shareProcessNamespace`: the pod's pause process reaps zombies, and the program is not PID"
        " 1; ignored beside `stop_signal`"
    ),
    "tty": Plain("tty"),
    "stdin_open": Plain("stdin"),
    "read_only": "`securityContext.readOnlyRootFilesystem`",
    "stop_signal": (
        "a `preStop` hook that sends it and waits, which needs `/bin/sh` in the image; `SIGTERM` is"
        " the default anyway"
    ),
    "stop_grace_period": "`terminationGracePeriodSeconds`, rounded up to seconds",
    "labels": (
        "labels of the pods, or annotations where a label may not be so written: a change restarts"
        " the pods. Keys that neither can have are ignored"
    ),
    "annotations": "annotations of the pods: a change restarts the pods",
    "ports": (
        "`ingress`: a Service of type LoadBalancer (NodePort from 30000 to 32767) beside the"
        " service's own; `host`: `hostPort`, and `hostIP` for a `host_ip`"
    ),
    "expose": "ports of the service's own Service",
    "networks": (
        "one NetworkPolicy a network, which the cluster's network plugin has to enforce; each alias"
        " is a Service"
    ),
    "network_mode": "`host` only: `hostNetwork`",
    "volumes": (
        "volume: a PersistentVolumeClaim, or `emptyDir` without a name; bind: `hostPath`, with a"
        " relative path only with `bind_mounts: everywhere`, files with `:ro` as configs with"
        " `bind_mounts: as_configs`; tmpfs: `emptyDir` in memory. `volume.subpath`: `subPath`."
        " SELinux flags are ignored"
    ),
    "tmpfs": (
        "`emptyDir` in memory with a `sizeLimit`; `mode` is ignored, since every user may write"
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
        "`json-file`, `local`, `journald` and `none` are ignored, since the nodes keep the"
        " logs; other drivers are errors"
    ),
    "extra_hosts": "`hostAliases`",
    "dns": "`dnsConfig.nameservers`, beside the cluster's own",
    "dns_search": "`dnsConfig.searches`, beside the cluster's own",
    "dns_opt": "`dnsConfig.options`",
    "cap_add": "`securityContext.capabilities.add`",
    "cap_drop": "`securityContext.capabilities.drop`",
    "privileged": "`securityContext.privileged`",
    "security_opt": (
        "`securityContext`: `allowPrivilegeEscalation: false` for `no-new-privileges`,"
        " `seccompProfile`, `appArmorProfile` (other profiles must be on the nodes),"
        " `seLinuxOptions`"
    ),
    "shm_size": "an `emptyDir` in memory at `/dev/shm`",
    "sysctls": "`securityContext.sysctls` of the pod",
    "ulimits": "ignored: the nodes' container runtime sets them",
    "platform": "`nodeSelector`: `kubernetes.io/os` and `kubernetes.io/arch`",
    "restart": (
        "`always`, `unless-stopped` and `on-failure`: pods are always restarted; `no` is for jobs"
    ),
    "mem_limit": "as `deploy.resources.limits.memory`",
    "mem_reservation": "as `deploy.resources.reservations.memory`",
    "pids_limit": "ignored: kubelets limit processes (`podPidsLimit`)",
    "cpus": "as `deploy.resources.limits.cpus`",
    "gpus": "as `deploy.resources.reservations.devices`, with the capability gpu",
    "runtime": "`runtimeClassName`: a RuntimeClass of this name has to exist",
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
        "`probe`: the health check by HTTP or TCP; `rollback: run`: a rollback runs the job;"
        " `routes` and `variants`: for the router;"
        " `overlay.kubernetes`: raw fields by kind of object"
    ),
    "deploy.mode": "replicated: a Deployment; global: a DaemonSet; replicated-job: a Job",
    "deploy.replicas": "`replicas`; if left out, the current number is kept (1 at first)",
    "deploy.endpoint_mode": (
        "vip: a Service with an address; dnsrr: a headless Service; without ports it is headless"
        " anyway"
    ),
    "deploy.labels": (
        "labels of the Deployment, or annotations where a label may not be so written: a change"
        " restarts nothing. Keys that neither can have are ignored"
    ),
    "deploy.placement.constraints": (
        "`nodeAffinity`: `node.labels.*`, `node.hostname`, `node.id`, `node.role`,"
        " `node.platform.*`"
    ),
    "deploy.placement.preferences": "`topologySpreadConstraints` that may be broken",
    "deploy.placement.max_replicas_per_node": "1 only: `podAntiAffinity`",
    "deploy.resources.limits": "`resources.limits`: cpus, memory; pids is ignored",
    "deploy.resources.reservations": (
        "`resources.requests`: cpus, memory; what is not reserved is requested as 0. Extended"
        " resources, as request and limit: generic_resources by their kind, devices of the"
        " capability gpu as `nvidia.com/gpu`, of the driver amd as `amd.com/gpu`"
    ),
    "deploy.restart_policy": (
        "as `restart`; `delay` up to 5m, `window` and `max_attempts` are ignored, since kubelets"
        " have their own backoff. Of a job: `backoffLimit` (0 for `none`, else `max_attempts`, or"
        " 2)"
    ),
    "deploy.update_config": (
        "`maxSurge`, `maxUnavailable`, `minReadySeconds` (the larger of `delay` and `monitor`);"
        " `failure_action` and `max_failure_ratio` are ignored, since this collection rolls back"
        " by itself"
    ),
    "deploy.rollback_config": "ignored: a rollback is an update like any other",
}

# Of the container.
PLAIN_KEYS = plain_keys(_KEYS)

# Key below services.<name> that is rejected -> what to write instead.
_REFUSED_KEYS: dict[str, str] = {
    "blkio_config": "Kubernetes cannot limit block I/O; set it on the node",
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
        "Kubernetes pins CPUs by the kubelet's policy; choose nodes by deploy.placement.constraints"
    ),
    "credential_spec": NOT_YET,
    "device_cgroup_rules": _BY_OVERLAY.format("resources of the device's plugin"),
    "devices": (
        "Kubernetes gives devices by the name of their plugin; write"
        " deploy.resources.reservations.generic_resources with that name as the kind"
    ),
    "domainname": "pods have no domain of their own; write hostname",
    "extends": "not supported; use a YAML anchor, or a second file in the compose list",
    "external_links": "services find each other by name in a namespace; leave it out",
    "ipc": _BY_POD.format("hostIPC"),
    "isolation": NOT_YET,
    "label_file": "write the labels under labels",
    "mac_address": "Kubernetes assigns addresses itself; leave it out",
    "mem_swappiness": "Kubernetes cannot tune swap; leave it out",
    "memswap_limit": "Kubernetes cannot limit swap; write mem_limit",
    "models": NOT_YET,
    "oom_kill_disable": "Kubernetes cannot switch off the memory killer; leave it out",
    "oom_score_adj": (
        "Kubernetes sets it by what is reserved; write deploy.resources.reservations.memory"
    ),
    "pid": _BY_POD.format("hostPID"),
    "post_start": _BY_OVERLAY.format("lifecycle.postStart"),
    "pre_start": _BY_OVERLAY.format("initContainers"),
    "pre_stop": _BY_OVERLAY.format("lifecycle.preStop"),
    "provider": NOT_YET,
    "storage_opt": "Kubernetes has no storage options; leave it out",
    "umask": "Kubernetes cannot set it; set it in the image's entrypoint",
    "use_api_socket": "Kubernetes nodes have no engine socket; leave it out",
    "userns_mode": _BY_POD.format("hostUsers"),
    "uts": "pods have a host name of their own; write hostname",
    "volumes_from": "name the volume in both services",
}

# Key path below a top-level section's entry -> how it is honored.
_OBJECT_KEYS: dict[str, str] = {
    "networks.name": "the NetworkPolicy's name; else `<app>-<key>`",
    "networks.external": (
        "a NetworkPolicy that must exist already: its app lets this one's pods in, and they let"
        " it in; `host` is `hostNetwork`"
    ),
    "networks.driver": "ignored: the cluster has one network",
    "networks.driver_opts": "ignored: the cluster has one network",
    "networks.attachable": "ignored: every pod with the network's label is on it",
    "networks.ipam": "ignored: the cluster assigns addresses",
    "networks.internal": (
        "pods on internal networks only reach nothing but those networks and the cluster's DNS"
    ),
    "networks.labels": "labels or annotations of the NetworkPolicy",
    "volumes.name": "the PersistentVolumeClaim's name; else `<app>-<key>`",
    "volumes.external": "a PersistentVolumeClaim that must exist already",
    "volumes.driver": "`storageClassName`; the cluster's default class where it is left out",
    "volumes.driver_opts": "`size` (1Gi) and `access_mode` (ReadWriteOnce); others are errors",
    "volumes.labels": "labels or annotations of the PersistentVolumeClaim",
    "secrets.name": (
        "the name of an external Secret; otherwise the prefix of a name that follows the content"
    ),
    "secrets.external": (
        "a Secret with one key that must exist already; never changed, never removed"
    ),
    "secrets.file": "read on the control node, also from Ansible Vault",
    "secrets.content": "the text itself; may contain `secret_values`",
    "secrets.environment": "the name of a value in `secret_values` or `values`",
    "secrets.labels": "labels or annotations of the Secret",
    "configs.name": (
        "the name of an external ConfigMap; otherwise the prefix of a name that follows the content"
    ),
    "configs.external": (
        "a ConfigMap with one key that must exist already; never changed, never removed"
    ),
    "configs.file": "read on the control node, also from Ansible Vault",
    "configs.content": "the text itself",
    "configs.environment": "the name of a value in `values`",
    "configs.labels": "labels or annotations of the ConfigMap",
}

# Key path below a top-level section's entry that is rejected -> what to write instead.
_REFUSED_OBJECT_KEYS: dict[str, str] = {
    "networks.enable_ipv4": "the cluster decides; leave it out",
    "networks.enable_ipv6": "the cluster decides; leave it out",
    "secrets.driver": NOT_YET,
    "secrets.driver_opts": NOT_YET,
    "secrets.template_driver": _NO_TEMPLATES,
    "configs.template_driver": _NO_TEMPLATES,
}

# Value that is rejected of a key that is supported -> what to write instead.
_REFUSED_VALUES: dict[str, str] = {
    "addresses": "Kubernetes assigns addresses itself; use the service's name or aliases",
    "all_devices": "Kubernetes gives a number of devices, not all of a node; write count: 1",
    "device_ids": "Kubernetes chooses the devices itself; write count instead",
    "devices": (
        "Kubernetes gives devices by the name of their plugin, which is not known of {}; write"
        " generic_resources with that name as the kind"
    ),
    "entrypoint": (
        "Kubernetes cannot clear an image's entrypoint; write the program that shall run instead"
    ),
    "host_ip": (
        "Kubernetes publishes on all addresses of a node, not on {} alone; write the long form with"
        " mode: host, or leave the address out and close the port by a firewall"
    ),
    "loopback_ip": (
        "Kubernetes publishes on all addresses of a node, not on {} alone; set loopback_ports:"
        " unpublished to leave the port out, or write the long form with mode: host"
    ),
    "ipv4": "the cluster decides; leave it out",
    "network_mode": (
        "Kubernetes knows only the network host of a node, not {}; use another network"
    ),
    "seccomp": (
        "Kubernetes reads profiles such as {} from its nodes; write seccompProfile with"
        " localhostProfile under x-shipping.overlay.kubernetes"
    ),
    "security_opt": (
        "Kubernetes has no option {}; write securityContext under x-shipping.overlay.kubernetes, or"
        " leave it out"
    ),
    "tmpfs": "a tmpfs on Kubernetes supports size, not {}; leave it out",
}

# Kinds of objects that are made of a service, and that an overlay may add fields to.
_OVERLAID = ("Deployment", "DaemonSet", "Service", "PersistentVolumeClaim")


def _read_overlay(value: object, reader: SpecReader) -> object:
    """Read raw fields by kind of object."""
    if not isinstance(value, dict) or not all(
        isinstance(fields, dict) for fields in value.values()
    ):
        return reader.problem(
            "needs a mapping of kinds of objects, such as Deployment, with the fields to add"
        )
    for kind in value:
        if kind not in _OVERLAID:
            reader.at(kind).problem(
                f"a service has no object of this kind{suggestion(str(kind), _OVERLAID)}"
            )
    return value


SUPPORT = Support(
    platform="kubernetes",
    host_mode_addresses=True,
    routed=True,
    device_kinds={
        "gpu": "nvidia.com/gpu",
        "nvidia/gpu": "nvidia.com/gpu",
        "amd/gpu": "amd.com/gpu",
    },
    keys=texts(_KEYS),
    refused_keys=_REFUSED_KEYS,
    object_keys=_OBJECT_KEYS,
    refused_object_keys=_REFUSED_OBJECT_KEYS,
    refused_values=_REFUSED_VALUES,
    read_overlay=_read_overlay,
    checks=(*CHECKS, note_ignored),
    as_honored=as_honored,
)
