# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Kubernetes cannot take of an app in normal form, though it knows the keys.

What is passed over is named and taken out, so that it is part of no comparison.
Names: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..._compose.service import RESTART_DEFAULTS, pruned
from ..._core import units
from ..._core.content_ids import fit
from ..._core.image_references import is_image_id
from ..._core.parsing import Reader
from ..._deploy.naming import Naming

if TYPE_CHECKING:
    from ..._compose.model import Compose

LABEL_NAME = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?")
_KEY = re.compile(
    r"(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
)
_NUMBERS = re.compile(r"\d+(?::\d+)?")
_PLACEHOLDER = re.compile(r"\{\{\s*\.((?:Service|Node|Task)\.\w+)")
_CONSTRAINT = re.compile(r"\s*(?P<name>[^=!\s]+)\s*(?P<operator>==|!=)\s*(?P<value>\S.*?)\s*")
_LOCAL_LOGS = (None, "json-file", "local", "journald", "none")
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - a path in the container
ACCESS_MODES = ("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod")

# Swarm's placeholders that can be filled in -> the pod's field; the name of the service is known.
PLACEHOLDERS = {
    "Node.Hostname": "spec.nodeName",
    "Node.ID": "spec.nodeName",
    "Task.ID": "metadata.uid",
    "Task.Name": "metadata.name",
    "Service.Name": "",
}

# What a placement may ask for -> the node's label.
NODE_LABELS = {
    "node.hostname": "kubernetes.io/hostname",
    "node.platform.os": "kubernetes.io/os",
    "node.platform.arch": "kubernetes.io/arch",
}


def check(app: Compose, reader: Reader) -> None:
    """Note everything of the app that cannot be honoured, and take out what is passed over."""
    places = {name: reader.at("services").at(name) for name in app.services}
    for name, service in app.services.items():
        _check_service(name, service, places[name])
        app.services[name] = pruned(service)
    _check_aliases(app, reader)
    for name, volume in app.volumes.items():
        _check_volume(volume, reader.at("volumes").at(name))
    for section in ("volumes", "networks"):
        _check_collisions(section, getattr(app, section), reader.at(section))
    for name, network in app.networks.items():
        for key in ("driver", "driver_opts", "attachable"):
            if network.pop(key, None) not in (None, "overlay", False):
                reader.at("networks").at(name).at(key).note(
                    "passed over, the cluster has one network for all"
                )


def _check_service(name: str, service: dict[str, Any], reader: Reader) -> None:
    if not LABEL_NAME.fullmatch(name):
        reader.problem(
            "Kubernetes finds a service by a name of a-z, 0-9 and '-' that begins with a letter;"
            " rename it"
        )
    if is_image_id(service.get("image", "")):
        reader.at("image").problem(
            "Kubernetes runs no image by its bare id; push it and name it by its registry"
        )
    for part in (
        _check_identity,
        _check_process,
        _check_texts,
        _check_deploy,
        _check_mounts,
        _check_ports,
        _check_grants,
        _check_logging,
    ):
        part(service, reader)


def _check_identity(service: dict[str, Any], reader: Reader) -> None:
    if not _NUMBERS.fullmatch(service.get("user", "0")):
        reader.at("user").problem(
            f"Kubernetes takes numbers only, not {service['user']!r}; write the uid and gid, such"
            " as 1000:1000"
        )
    for index, group in enumerate(service.get("group_add", [])):
        if not str(group).isdigit():
            reader.at("group_add").at(index).problem(
                f"Kubernetes takes numbers only, not {group!r}; write the gid"
            )


def _check_process(service: dict[str, Any], reader: Reader) -> None:
    if "stop_signal" in service and service.pop("init", False):
        reader.at("init").note(
            "passed over, since the program must be PID 1 to get its stop_signal"
        )
    if service.pop("ulimits", None):
        reader.at("ulimits").note("passed over, the machines' container runtime sets them")
    hostname = service.get("hostname", "a")
    if not re.fullmatch(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?", hostname):
        reader.at("hostname").problem(
            f"Kubernetes takes a name of a-z, 0-9 and '-', not {hostname!r}"
        )
    for index, entry in enumerate(service.get("extra_hosts", [])):
        if entry.endswith("=host-gateway"):
            reader.at("extra_hosts").at(index).problem(
                "pods know no host-gateway; write the machine's address"
            )


def _check_texts(service: dict[str, Any], reader: Reader) -> None:
    """Placeholders that only Swarm fills in, and keys of labels that Kubernetes does not take."""
    for key, text in service.get("environment", {}).items():
        unknown = [found for found in _PLACEHOLDER.findall(text) if found not in PLACEHOLDERS]
        if unknown:
            reader.at("environment").at(key).problem(
                f"Kubernetes has nothing to fill in for {{{{.{unknown[0]}}}}}; it knows"
                f" {', '.join(PLACEHOLDERS)}"
            )
    for path, labels in (
        ("labels", service.get("labels", {})),
        ("annotations", service.get("annotations", {})),
        ("deploy.labels", service["deploy"].get("labels", {}) if "deploy" in service else {}),
    ):
        for key in labels:
            if not _KEY.fullmatch(key):
                reader.at(path).at(key).problem(
                    "is no key for Kubernetes; write letters, digits, '-', '_' and '.', at most 63,"
                    " after an optional domain and '/'"
                )


def _check_deploy(service: dict[str, Any], reader: Reader) -> None:
    deploy, place = service.get("deploy", {}), reader.at("deploy")
    policy = deploy.pop("restart_policy", RESTART_DEFAULTS)
    if policy["condition"] == "none":
        place.at("restart_policy.condition").problem(
            "Kubernetes always starts the pods of a service again; leave it out"
        )
    ignored = [
        key for key in ("delay", "max_attempts", "window") if policy[key] != RESTART_DEFAULTS[key]
    ]
    if ignored:
        place.at("restart_policy").note(
            f"{', '.join(ignored)} passed over, kubelets have a back-off of their own"
        )
    if deploy.pop("rollback_config", None):
        place.at("rollback_config").note("passed over, the way back is an update like any other")
    update = deploy.get("update_config")
    if update:
        deploy["update_config"] = {
            key: update[key] for key in ("parallelism", "delay", "monitor", "order")
        }
        if update["max_failure_ratio"]:
            place.at("update_config.max_failure_ratio").note(
                "passed over, max_crashes of the release says how many may fail"
            )
        if update["failure_action"] == "continue":
            place.at("update_config.failure_action").note(
                "passed over, a failed release goes back in any case"
            )
    if deploy.get("resources", {}).get("limits", {}).pop("pids", None):
        place.at("resources.limits.pids").note(
            "passed over, kubelets limit processes (podPidsLimit)"
        )
    _check_placement(deploy.get("placement", {}), place.at("placement"))


def _check_placement(placement: Mapping[str, Any], reader: Reader) -> None:
    for index, text in enumerate(placement.get("constraints", [])):
        constraint = split_constraint(text)
        if constraint is None:
            reader.at("constraints").at(index).problem(
                f"{text!r} is no constraint; write for example node.labels.zone == a"
            )
        elif constraint[0].startswith("engine."):
            reader.at("constraints").at(index).problem(
                "there is no engine on Kubernetes; label the nodes and write node.labels"
            )
        elif constraint[0] not in (*NODE_LABELS, "node.id", "node.role") and not constraint[
            0
        ].startswith("node.labels."):
            reader.at("constraints").at(index).problem(
                f"Kubernetes knows no {constraint[0]}; use node.labels, node.hostname, node.role or"
                " node.platform"
            )
    for index, spread in enumerate(placement.get("preferences", [])):
        if not spread.startswith("node.labels.") and spread not in NODE_LABELS:
            reader.at("preferences").at(index).problem(
                f"Kubernetes spreads over labels of nodes, not over {spread}; write"
                " node.labels.<label>"
            )
    if placement.get("max_replicas_per_node", 0) > 1:
        reader.at("max_replicas_per_node").problem(
            "Kubernetes knows one a node or no limit; write 1, or leave it out"
        )


def split_constraint(text: str) -> tuple[str, str, str] | None:
    """Name, operator and value of a placement constraint, or None where it is none."""
    match = _CONSTRAINT.fullmatch(text)
    return (match["name"], match["operator"], match["value"]) if match else None


def _check_mounts(service: dict[str, Any], reader: Reader) -> None:
    for index, mount in enumerate(service.get("volumes", [])):
        place = reader.at("volumes").at(index)
        if mount.get("tmpfs", {}).pop("mode", None):
            place.at("tmpfs.mode").note("passed over, everybody may write there")
            if not mount["tmpfs"]:
                del mount["tmpfs"]
        mount.pop("volume", None)  # nocopy: an image's content is never copied into a volume


def _check_grants(service: dict[str, Any], reader: Reader) -> None:
    owner = service.get("user", "0").partition(":")[0]
    groups = set()
    for section in ("secrets", "configs"):
        for index, grant in enumerate(service.get(section, [])):
            place = reader.at(section).at(index)
            if grant["uid"] not in ("0", owner):
                place.at("uid").problem(
                    "Kubernetes gives such files to root; leave uid out and let the group read them"
                    " by gid and mode 0440"
                )
            elif grant["uid"] != "0" and not grant["mode"] & (
                0o004 if grant["gid"] == "0" else 0o044
            ):
                place.at("mode").problem(
                    "Kubernetes gives such files to root, so the user could not read it; let the"
                    " group read it by gid and mode 0440"
                )
            if not grant["gid"].isdigit():
                place.at("gid").problem(f"Kubernetes takes numbers only, not {grant['gid']!r}")
            groups.add(grant["gid"])
    if len(groups - {"0"}) > 1:
        reader.problem(
            f"its secrets and configs have the gids {', '.join(sorted(groups - {'0'}))}, and a pod"
            " has one group for all its files; write one gid"
        )


def _check_logging(service: dict[str, Any], reader: Reader) -> None:
    logging = service.pop("logging", None)
    if logging is None:
        return
    driver = logging.get("driver")
    if driver in _LOCAL_LOGS:
        reader.at("logging").note("passed over, the machines keep the logs of pods")
    else:
        reader.at("logging.driver").problem(
            f"Kubernetes has no log drivers such as {driver}; collect the logs by an agent on the"
            " machines and leave it out"
        )


def published_name(service: str) -> str:
    """The name of the Service by which a service is seen from outside."""
    return fit(f"{service}-published", 63)


def _check_ports(service: dict[str, Any], reader: Reader) -> None:
    """A container's port can be one port of the machine; and there is one thing at /dev/shm."""
    taken = [
        (port["target"], port["protocol"])
        for port in service.get("ports", [])
        if port["mode"] == "host" and "published" in port
    ]
    for target, protocol in sorted({port for port in taken if taken.count(port) > 1}):
        reader.at("ports").problem(
            f"Kubernetes publishes the port {target}/{protocol} of a container once on a machine;"
            " leave one of them out"
        )
    if "shm_size" in service and any(
        mount["target"] == SHARED_MEMORY for mount in service.get("volumes", [])
    ):
        reader.at("shm_size").problem("something else is mounted at /dev/shm; write one of them")


def _check_aliases(app: Compose, reader: Reader) -> None:
    owners: dict[str, str] = dict(zip(app.services, app.services))
    for name, service in app.services.items():
        outside = published_name(name)
        if (
            any(port["mode"] == "ingress" for port in service.get("ports", []))
            and owners.setdefault(outside, name) != name
        ):
            reader.at("services").at(outside).problem(
                f"Kubernetes needs that name for what {name} publishes; rename one of them"
            )
    for name, service in app.services.items():
        for network, settings in service.get("networks", {}).items():
            for alias in settings.get("aliases", []):
                place = reader.at("services").at(name).at("networks").at(network).at("aliases")
                if not LABEL_NAME.fullmatch(alias):
                    place.problem(
                        "Kubernetes finds a service by a name of a-z, 0-9 and '-', not by"
                        f" {alias!r}"
                    )
                elif owners.setdefault(alias, name) != name:
                    place.problem(
                        f"{alias} is {owners[alias]} already, and a name belongs to one service in"
                        " a namespace; use another alias"
                    )


def _check_volume(volume: dict[str, Any], reader: Reader) -> None:
    for key, value in volume.get("driver_opts", {}).items():
        place = reader.at("driver_opts").at(key)
        if key == "access_mode" and value not in ACCESS_MODES:
            place.problem(f"{value!r} is none of {', '.join(ACCESS_MODES)}")
        elif key == "size":
            try:
                units.octets(value)
            except ValueError as error:
                place.problem(str(error))
        elif key != "access_mode":
            place.problem(
                "Kubernetes knows size and access_mode; make the claim beforehand and declare the"
                " volume external"
            )


def _check_collisions(section: str, entries: Iterable[str], reader: Reader) -> None:
    seen: dict[str, str] = {}
    for name in entries:
        clean = Naming.dns(name)
        if seen.setdefault(clean, name) != name:
            reader.at(name).problem(
                f"has the same name on Kubernetes as {seen[clean]}: {clean}; rename one of the"
                f" {section}"
            )
