# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pod of a resolved service. Pure.

API: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
"""

from __future__ import annotations

import copy
import posixpath
import re
from collections.abc import Mapping
from typing import Any

from ..._compose.defaults import UPDATE_DEFAULTS
from ..._compose.security_options import DEFAULT, UNCONFINED
from ..._core.content_ids import digest, fit
from ..._deploy.naming import Naming
from ..._deploy.resolution import HOST_NETWORK, Resolved
from . import quantities
from .api_kinds import APP, INTERNAL, NETWORK, SERVICE
from .pod_fields import NODE_LABELS, PLACEHOLDERS, SHARED_MEMORY, split_constraint
from .support import PLAIN_KEYS

Body = dict[str, Any]
Service = Mapping[str, Any]

AUTO, RESTRICTED, NONE = "auto", "restricted", "none"
# Anything else below /dev is taken for a device, which hostPath checks by its type.
_FOLDERS_OF_DEVICES = (SHARED_MEMORY, "/dev/pts", "/dev/mapper", "/dev/disk")
ROLE = "node-role.kubernetes.io/control-plane"
# What Swarm calls a node's architecture -> what Kubernetes does.
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}
# 63 characters at most; it may be empty (labels and selectors, "Syntax").
_LABEL_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_FILES = frozenset(
    (
        "/etc/localtime",
        "/etc/timezone",
        "/etc/hosts",
        "/etc/resolv.conf",
        "/etc/machine-id",
        "/etc/passwd",
        "/etc/group",
        "/etc/os-release",
    )
)
# private and rprivate are not in it: they are what pods have by default (None).
_PROPAGATION = {
    "shared": "Bidirectional",
    "rshared": "Bidirectional",
    "slave": "HostToContainer",
    "rslave": "HostToContainer",
}
_PLACEHOLDER = re.compile(r"\{\{\s*\.(\w+\.\w+)\s*\}\}")
# Docker's defaults: interval and timeout, and the interval during the start period.
_DEFAULT_TIME = "30s"
_START_PERIOD = 5


def selector(app: str, name: str, service: Service) -> dict[str, str]:
    """Return the labels by which a service's pods are found.

    They can never change, so those of a workload that was taken over stay.
    """
    return dict(service.get("selector") or {APP: app, SERVICE: name})


def split_labels(given: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return what may be labels, and the rest, which may be annotations only."""
    labels = {key: value for key, value in given.items() if _LABEL_VALUE.fullmatch(value)}
    return labels, {key: value for key, value in given.items() if key not in labels}


def template(app: str, name: str, service: Service, resolved: Resolved) -> Body:
    """Return ``spec.template`` of the service's workload, without the hash of itself."""
    if isinstance(service.get("bare"), Mapping):
        return copy.deepcopy(dict(service["bare"]))
    labels, annotations = split_labels(service.get("labels", {}))
    annotations.update(service.get("annotations", {}))
    own = (
        {}
        if is_bare(service)
        else {
            **_network_labels(service, resolved),
            "app.kubernetes.io/name": name,
            APP: app,
            SERVICE: name,
        }
    )
    metadata: Body = {"labels": {**labels, **own, **selector(app, name, service)}}
    if annotations:
        metadata["annotations"] = annotations
    return {"metadata": metadata, "spec": _pod(app, name, service, resolved)}


def is_bare(service: Service) -> bool:
    """Return whether pods are as another client created them, so that adoption restarts none.

    Our own additions come with the next change. ``bare`` is then what we declare of their template
    as it is written there: its image, and lists in its order.
    """
    return bool(service.get("bare"))


def _level(service: Service) -> str:
    return NONE if is_bare(service) else str(service.get("security", AUTO))


def _network_labels(service: Service, resolved: Resolved) -> dict[str, str]:
    networks = [network for network in service.get("networks", {}) if network != HOST_NETWORK]
    labels = {f"{NETWORK}{network}": "true" for network in networks}
    if networks and all(resolved.networks[network].get("internal") for network in networks):
        labels[INTERNAL] = "true"
    return labels


def _pod(app: str, name: str, service: Service, resolved: Resolved) -> Body:
    pod: Body = {"containers": [_container(name, service, resolved)]}
    if not is_bare(service):
        pod.update(_additions(service))
    if _level(service) != NONE:
        pod["automountServiceAccountToken"] = False
    if "stop_grace_period" in service:
        pod["terminationGracePeriodSeconds"] = quantities.seconds(service["stop_grace_period"])
    if "hostname" in service:
        pod["hostname"] = service["hostname"]
    if "runtime" in service:
        pod["runtimeClassName"] = service["runtime"]
    if service.get("init"):
        # The pause process is PID 1 then and reaps zombies, as the init of Docker does.
        pod["shareProcessNamespace"] = True
    if HOST_NETWORK in service.get("networks", {}):
        # With ClusterFirst such a pod would get the DNS of its node.
        pod.update(hostNetwork=True, dnsPolicy="ClusterFirstWithHostNet")
    optional = {
        "securityContext": _pod_security(service),
        "volumes": _volumes(service, resolved),
        "hostAliases": _host_aliases(service.get("extra_hosts", [])),
        "dnsConfig": _dns(service),
        "nodeSelector": _node_selector(service),
        "affinity": _affinity(app, name, service),
        "topologySpreadConstraints": _spread(app, name, service),
    }
    return {**pod, **{key: value for key, value in optional.items() if value}}


def _additions(service: Service) -> Body:
    """Return what pods get in addition to the spec, unless they are adopted as they are."""
    # Without it each Service of the namespace sets variables such as WEB_PORT, which Compose does
    # not.
    added: Body = {"enableServiceLinks": False}
    if "pull_secret" in service:
        added["imagePullSecrets"] = [{"name": service["pull_secret"]}]
    return added


def _container(name: str, service: Service, resolved: Resolved) -> Body:
    optional = {
        "command": [escaped(word) for word in service.get("entrypoint", [])],
        "args": [escaped(word) for word in service.get("command", [])],
        "env": _environment(name, service.get("environment", {})),
        **{plain.place: service.get(key) for key, plain in PLAIN_KEYS.items()},
        "ports": _host_ports(service),
        "resources": _resources(service.get("deploy", {}).get("resources", {})),
        "volumeMounts": _mounts(service, resolved),
        "securityContext": _container_security(service),
        "lifecycle": _stop_hook(service.get("stop_signal", "")),
        **probes(service),
    }
    container: Body = {
        "name": service.get("container", name),
        "image": pinned(service["image"]),
        **{key: value for key, value in optional.items() if value},
    }
    if "@" in service["image"] and not is_bare(service):
        # A digest never means another image.
        container["imagePullPolicy"] = "IfNotPresent"
    return container


def _environment(name: str, variables: Mapping[str, str]) -> list[Body]:
    """Return variables, first those for placeholders, to which the others refer.

    The server drops empty values.
    """
    asked: dict[str, str] = {}

    def fill(match: re.Match[str]) -> str:
        field = PLACEHOLDERS.get(match[1])
        if field is None:
            return match[0]
        if not field:
            return name
        variable = f"SHIPPING_{match[1].upper().replace('.', '_')}"
        asked[variable] = field
        return f"$({variable})"

    given: list[Body] = [
        {"name": key, **({"value": _PLACEHOLDER.sub(fill, escaped(value))} if value else {})}
        for key, value in sorted(variables.items())
    ]
    fields: list[Body] = [
        {"name": key, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}
        for key, path in sorted(asked.items())
    ]
    # $(NAME) only expands variables that are defined before it.
    return [*fields, *given]


def pinned(image: str) -> str:
    """Return an image by its digest alone: another tag of the same image restarts nothing."""
    name, at, pin = image.partition("@")
    if not at:
        return image
    head, colon, tag = name.rpartition(":")
    return f"{head if colon and '/' not in tag else name}@{pin}"


def escaped(text: str) -> str:
    """Escape ``$(NAME)``, also where a placeholder becomes one, so that none is replaced."""
    return re.sub(r"\$(?=[$(]|\{\{)", "$$", str(text))


def _host_ports(service: Service) -> list[Body]:
    if HOST_NETWORK in service.get("networks", {}):
        # With hostNetwork every port is a port of the node, and a hostPort must equal the
        # containerPort.
        return []
    return [
        {
            "containerPort": port["target"],
            "hostPort": port["published"],
            "protocol": port["protocol"].upper(),
            **({"hostIP": port["host_ip"]} if "host_ip" in port else {}),
        }
        for port in service.get("ports", [])
        if port["mode"] == "host" and "published" in port
    ]


def _resources(resources: Mapping[str, Any]) -> Body:
    """Return limits and requests.

    What is limited and not reserved is requested as 0, or the limit would be reserved.
    """
    convert = {"cpus": ("cpu", quantities.cpu), "memory": ("memory", quantities.memory)}

    def amounts(given: Mapping[str, str]) -> dict[str, str]:
        return {
            convert[key][0]: convert[key][1](value)
            for key, value in given.items()
            if key in convert
        }

    limits, requests = (
        amounts(resources.get("limits", {})),
        amounts(resources.get("reservations", {})),
    )
    requests = {**dict.fromkeys(limits, "0"), **requests}
    # Extended resources cannot be overcommitted: the API wants a limit that equals the request.
    extended = {
        kind: str(number)
        for kind, number in resources.get("reservations", {}).get("generic_resources", {}).items()
    }
    limits, requests = {**limits, **extended}, {**requests, **extended}
    return {key: value for key, value in (("limits", limits), ("requests", requests)) if value}


def _stop_hook(signal: str) -> Body:
    """Return a hook that sends the signal and waits until the program has ended.

    No ``SIGTERM`` follows then.
    """
    short = re.sub("^SIG", "", signal.upper())
    if short in ("", "TERM", "15"):
        return {}
    return {
        # The program must be PID 1 for this, so init is ignored beside stop_signal. The hook counts
        # into the grace period.
        "preStop": {
            "exec": {
                "command": [
                    "/bin/sh",
                    "-c",
                    f"kill -s {short} 1; while kill -0 1 2>/dev/null; do sleep 0.2; done",
                ]
            }
        }
    }


def probes(service: Service) -> Body:
    """Return the three probes that are a health check."""
    check, probe = service.get("healthcheck", {}), service.get("x-shipping", {}).get("probe")
    action = _action(check.get("test", []), probe)
    if not action:
        return {}
    # Probes count in whole seconds, one at least.
    period = max(1, quantities.seconds(check.get("interval", _DEFAULT_TIME)))
    retries = check.get("retries", 3)
    often = {
        "periodSeconds": period,
        "timeoutSeconds": max(1, quantities.seconds(check.get("timeout", _DEFAULT_TIME))),
        "failureThreshold": retries,
    }
    # A Swarm sends an unhealthy task no requests and replaces it, which takes two probes here.
    result: Body = {"readinessProbe": {**action, **often}, "livenessProbe": {**action, **often}}
    if "start_period" in check:
        first = (
            max(1, quantities.seconds(check["start_interval"]))
            if "start_interval" in check
            else min(period, _START_PERIOD)
        )
        # In Compose, failures count from the end of start_period on.
        patience = quantities.seconds(check["start_period"]) + retries * period
        result["startupProbe"] = {
            **action,
            **often,
            "periodSeconds": first,
            "failureThreshold": -(-patience // first),
        }
    return result


def _action(test: list[str], probe: Mapping[str, Any] | None) -> Body:
    if probe and "tcp" in probe:
        return {"tcpSocket": {"port": probe["tcp"]["port"]}}
    if probe:
        http = probe["http"]
        headers = (
            {"httpHeaders": [{"name": "Host", "value": http["host"]}]} if "host" in http else {}
        )
        return {
            "httpGet": {
                "path": http.get("path", "/"),
                "port": http["port"],
                "scheme": http.get("scheme", "http").upper(),
                **headers,
            }
        }
    if not test or test[0] == "NONE":
        return {}
    return {"exec": {"command": test[1:] if test[0] == "CMD" else ["/bin/sh", "-c", *test[1:]]}}


def is_root(service: Service) -> bool:
    """Return whether a service runs, or may run, as root."""
    return str(service.get("user", "0")).partition(":")[0] == "0"


def _pod_security(service: Service) -> Body:
    result: Body = {}
    # A privileged container always runs unconfined.
    if _level(service) != NONE and not service.get("privileged"):
        result["seccompProfile"] = {"type": "RuntimeDefault"}
    if service.get("group_add"):
        result["supplementalGroups"] = sorted(int(group) for group in service["group_add"])
    grants = [*service.get("secrets", []), *service.get("configs", [])]
    # Volumes of Secrets and ConfigMaps have no owner per file: the pod has one group for all of
    # them. The checks have rejected a second one.
    groups = {int(grant["gid"]) for grant in grants} - {0}
    if groups:
        result["fsGroup"] = min(groups)
    if service.get("sysctls"):
        result["sysctls"] = [
            {"name": key, "value": value} for key, value in sorted(service["sysctls"].items())
        ]
    return result


def _container_security(service: Service) -> Body:
    result = {**_user(service), **_security_options(service.get("security_opt", {}))}
    if service.get("read_only"):
        result["readOnlyRootFilesystem"] = True
    if service.get("privileged"):
        # The API rejects allowPrivilegeEscalation: false beside privileged.
        return {**result, "privileged": True}
    level = _level(service)
    if level != NONE:
        result["allowPrivilegeEscalation"] = False
    without_root = level == RESTRICTED or (level == AUTO and not is_root(service))
    if without_root:
        result["runAsNonRoot"] = True
    add = _capabilities(service, "cap_add")
    # The Pod Security Standard restricted wants ALL.
    drop = ["ALL"] if without_root else _capabilities(service, "cap_drop")
    return {**result, **_capability_lists(add=add, drop=drop)}


# What Compose calls a profile -> its type; any other one is a profile of the node.
_PROFILES = {UNCONFINED: "Unconfined", DEFAULT: "RuntimeDefault"}


def _security_options(options: Mapping[str, Any]) -> Body:
    result: Body = {}
    if options.get("no_new_privileges"):
        result["allowPrivilegeEscalation"] = False
    if "seccomp" in options:
        result["seccompProfile"] = {"type": _PROFILES[options["seccomp"]]}
    if "apparmor" in options:
        profile = options["apparmor"]
        result["appArmorProfile"] = (
            {"type": _PROFILES[profile]}
            if profile in _PROFILES
            else {"type": "Localhost", "localhostProfile": profile}
        )
    if "selinux" in options:
        result["seLinuxOptions"] = dict(options["selinux"])
    return result


def _capability_lists(**lists: list[str]) -> Body:
    named = {key: names for key, names in lists.items() if names}
    return {"capabilities": named} if named else {}


def _user(service: Service) -> Body:
    uid, _colon, gid = str(service.get("user", "")).partition(":")
    return {key: int(value) for key, value in (("runAsUser", uid), ("runAsGroup", gid)) if value}


def _capabilities(service: Service, key: str) -> list[str]:
    """Return capabilities as Kubernetes calls them."""
    return [name.replace("CAP_", "", 1) for name in service.get(key, [])]


def _volume_name(target: str) -> str:
    """Return a name for what is mounted at a place.

    A hash distinguishes places that are equal in the letters of the DNS.
    """
    name = target.strip("/")
    clean = Naming.dns(name.replace("/", "-")).replace(".", "-") or "root"
    lossy = re.search(r"[^a-z0-9/]", name) is not None
    # A label of the DNS has 63 characters at most: 54, a hyphen and 8 of the hash.
    return fit(f"{clean[:54].rstrip('-')}-{digest(target)[:8]}" if lossy else clean, 63)


def _volumes(service: Service, resolved: Resolved) -> list[Body]:
    result = [
        {"name": _volume_name(mount["target"]), **_source(mount)}
        for mount in service.get("volumes", [])
    ]
    for section, make in (("secrets", _secret_source), ("configs", _config_source)):
        for grant in service.get(section, []):
            # One key alone: an external object may have others, which are not granted.
            items = [
                {
                    "key": key_of(grant, getattr(resolved, section)),
                    "path": posixpath.basename(grant["target"]),
                    "mode": grant["mode"],
                }
            ]
            result.append({"name": _volume_name(grant["target"]), **make(grant["object"], items)})
    if "shm_size" in service:
        result.append(
            {
                "name": "dev-shm",
                "emptyDir": {
                    "medium": "Memory",
                    "sizeLimit": quantities.memory(service["shm_size"]),
                },
            }
        )
    return result


def _secret_source(name: str, items: list[Body]) -> Body:
    return {"secret": {"secretName": name, "items": items}}


def _config_source(name: str, items: list[Body]) -> Body:
    return {"configMap": {"name": name, "items": items}}


def key_of(grant: Mapping[str, Any], objects: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the key of a Secret or ConfigMap that has the content; external ones have any keys."""
    keys = objects.get(grant["object"], {}).get("keys")
    if not keys:
        return "data"
    wanted = posixpath.basename(grant["target"])
    return str(wanted if wanted in keys else keys[0])


def _source(mount: Mapping[str, Any]) -> Body:
    if mount["type"] == "bind":
        return {"hostPath": {"path": mount["source"], "type": _path_type(mount["source"])}}
    if mount["type"] == "tmpfs":
        size = mount.get("tmpfs", {}).get("size")
        return {
            "emptyDir": {
                "medium": "Memory",
                **({"sizeLimit": quantities.memory(size)} if size else {}),
            }
        }
    if "source" not in mount:
        return {"emptyDir": {}}
    return {"persistentVolumeClaim": {"claimName": mount["source"]}}


def _path_type(path: str) -> str:
    """Return the type of a path that must exist already.

    Without a type, a directory would be made of a path that is wrong.
    """
    name = posixpath.basename(path)
    if name.endswith(".sock"):
        return "Socket"
    if path.startswith("/dev/") and path not in _FOLDERS_OF_DEVICES:
        return "CharDevice"
    # A name with an extension is a file; conf.d and its like are directories.
    return "File" if path in _FILES or re.search(r"[^.]\.(?!d$)\w+$", name) else "Directory"


def _mounts(service: Service, resolved: Resolved) -> list[Body]:
    result: list[Body] = []
    for mount in service.get("volumes", []):
        body: Body = {"name": _volume_name(mount["target"]), "mountPath": mount["target"]}
        if mount.get("read_only"):
            body["readOnly"] = True
        if "subpath" in mount.get("volume", {}):
            body["subPath"] = mount["volume"]["subpath"]
        propagation = _PROPAGATION.get(mount.get("bind", {}).get("propagation", ""))
        if propagation:
            body["mountPropagation"] = propagation
        result.append(body)
    for section in ("secrets", "configs"):
        for grant in service.get(section, []):
            target = grant["target"]
            result.append(
                {
                    "name": _volume_name(target),
                    "mountPath": target,
                    # The file alone, or the mount would hide what the image has in its folder.
                    "subPath": posixpath.basename(target),
                    "readOnly": True,
                }
            )
    if "shm_size" in service:
        result.append({"name": "dev-shm", "mountPath": SHARED_MEMORY})
    return result


def _host_aliases(entries: list[str]) -> list[Body]:
    hosts: dict[str, list[str]] = {}
    for entry in entries:
        name, address = entry.split("=", 1)
        hosts.setdefault(address, []).append(name)
    # ip is the key of this list, so each address is in it once.
    return [{"ip": address, "hostnames": sorted(names)} for address, names in sorted(hosts.items())]


def _dns(service: Service) -> Body:
    options = []
    for option in service.get("dns_opt", []):
        name, colon, value = option.partition(":")
        options.append({"name": name, **({"value": value} if colon else {})})
    found = {
        "nameservers": service.get("dns", []),
        "searches": service.get("dns_search", []),
        "options": options,
    }
    return {key: value for key, value in found.items() if value}


def _node_selector(service: Service) -> dict[str, str]:
    if "platform" not in service:
        return {}
    system, architecture = service["platform"].split("/")
    return {"kubernetes.io/os": system, "kubernetes.io/arch": architecture}


def _affinity(app: str, name: str, service: Service) -> Body:
    placement = service.get("deploy", {}).get("placement", {})
    term: Body = {}
    for text in placement.get("constraints", []):
        place, expression = _expression(text)
        term.setdefault(place, []).append(expression)
    result: Body = {}
    if term:
        result["nodeAffinity"] = {
            # All expressions of one term must hold; of several terms one would do.
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}
        }
    if placement.get("max_replicas_per_node") == 1:
        apart = {
            "labelSelector": {"matchLabels": selector(app, name, service)},
            "topologyKey": "kubernetes.io/hostname",
        }
        result["podAntiAffinity"] = {"requiredDuringSchedulingIgnoredDuringExecution": [apart]}
    return result


def _expression(text: str) -> tuple[str, Body]:
    """Return a placement constraint as a term of node affinity."""
    key, operator, value = split_constraint(text) or ("", "==", "")
    equal = operator == "=="
    if key == "node.platform.arch":
        value = ARCHITECTURES.get(value, value)
    if key == "node.id":
        # matchFields supports metadata.name alone.
        return "matchFields", {
            "key": "metadata.name",
            "operator": "In" if equal else "NotIn",
            "values": [value],
        }
    if key == "node.role":
        return "matchExpressions", {
            "key": ROLE,
            # The label has no value: only its presence counts.
            "operator": "Exists" if equal == (value == "manager") else "DoesNotExist",
        }
    return "matchExpressions", {
        "key": node_label(key),
        "operator": "In" if equal else "NotIn",
        "values": [value],
    }


def node_label(key: str) -> str:
    """Return the label of a node that a placement's name means."""
    return NODE_LABELS.get(key) or key.replace("node.labels.", "", 1)


def _spread(app: str, name: str, service: Service) -> list[Body]:
    return [
        {
            "maxSkew": 1,
            "topologyKey": node_label(key),
            # Preferences of a Swarm may be broken, too.
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": selector(app, name, service)},
        }
        for key in service.get("deploy", {}).get("placement", {}).get("preferences", [])
    ]


def strategy(service: Service) -> tuple[Body, int]:
    """Return how pods are replaced: how many more and fewer at once, and how long one must hold."""
    update = service.get("deploy", {}).get("update_config")
    given: Mapping[str, Any] = update or UPDATE_DEFAULTS
    # In Compose parallelism 0 means all at once.
    at_once: Any = given["parallelism"] or "100%"
    start_first = given["order"] == "start-first"
    rolling = {
        "maxSurge": at_once if start_first else 0,
        "maxUnavailable": 0 if start_first else at_once,
    }
    hold = (
        max(quantities.seconds(given["delay"]), quantities.seconds(given["monitor"]))
        if update
        else 0
    )
    return {"type": "RollingUpdate", "rollingUpdate": rolling}, hold
