# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Report settings of an app that Kubernetes does not support, though it has the keys.

The checks report and change nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..._compose.defaults import RESTART_DEFAULTS
from ..._compose.job_services import GLOBAL_JOB, is_job
from ..._compose.normal_form import Compose, Service
from ..._core import units
from ..._core.image_references import is_image_id
from ..._core.parsing import SpecReader
from .compose_object_checks import check_collisions, check_service_names, check_volumes
from .ignored_settings import LOCAL_LOG_DRIVERS
from .pod_fields import NODE_LABELS, PLACEHOLDERS, SHARED_MEMORY, split_constraint
from .service_names import LABEL_KEY, LABEL_NAME

# A label of RFC 1123, which may begin with a digit.
_HOST_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
# The user and the group `root` have the number 0 in every image.
_NUMBERS = re.compile(r"(?:\d+|root)(?::(?:\d+|root))?")
_PLACEHOLDER = re.compile(r"\{\{\s*\.((?:Service|Node|Task)\.\w+)")
# MaxContainerBackOff of kubelets.
_LONGEST_BACKOFF = 300 * units.SECOND
# Placement constraints that are honored, beside node.labels.
_CONSTRAINED = (*NODE_LABELS, "node.id", "node.role")


def check_services(app: Compose, reader: SpecReader) -> None:
    """Check each service by itself."""
    for name, service in app.services.items():
        _check_service(name, service, reader.at("services").at(name))


def _check_service(name: str, service: Service, reader: SpecReader) -> None:
    if not LABEL_NAME.fullmatch(name):
        reader.problem(
            "Kubernetes finds a service by a name of a-z, 0-9 and '-' that begins with a letter;"
            " rename it"
        )
    if is_image_id(service.get("image", "")):
        reader.at("image").problem(
            "Kubernetes runs no image by its bare id; push it and name it by its registry"
        )
    for check in (
        _check_identity,
        _check_security,
        _check_host_names,
        _check_placeholders,
        _check_annotation_keys,
        _check_deploy,
        _check_devices,
        _check_runtime,
        _check_ports,
        _check_grants,
        _check_logging,
    ):
        check(service, reader)


def _check_identity(service: Service, reader: SpecReader) -> None:
    if not _NUMBERS.fullmatch(service.get("user", "0")):
        reader.at("user").problem(
            f"Kubernetes supports numbers only, not {service['user']!r}; write the uid and gid, as"
            " in 1000:1000"
        )
    for index, group in enumerate(service.get("group_add", [])):
        if not str(group).isdigit():
            reader.at("group_add").at(index).problem(
                f"Kubernetes supports numbers only, not {group!r}; write the gid"
            )


def _check_security(service: Service, reader: SpecReader) -> None:
    """Report options that the API rejects or does not have."""
    options, place = service.get("security_opt", {}), reader.at("security_opt")
    if "disable" in options.get("selinux", {}):
        place.problem(
            "Kubernetes cannot disable SELinux labels; write label=type:spc_t, which is unconfined"
        )
    # The API rejects allowPrivilegeEscalation: false beside privileged.
    if options.get("no_new_privileges") and service.get("privileged"):
        place.problem("privileged excludes no-new-privileges; write one of them")


def _check_host_names(service: Service, reader: SpecReader) -> None:
    hostname = service.get("hostname", "a")
    if not _HOST_NAME.fullmatch(hostname):
        reader.at("hostname").problem(
            f"Kubernetes supports a name of a-z, 0-9 and '-', not {hostname!r}; write such a name,"
            " or leave it out"
        )
    for index, entry in enumerate(service.get("extra_hosts", [])):
        if entry.endswith("=host-gateway"):
            reader.at("extra_hosts").at(index).problem(
                "pods know no host-gateway; write the node's address"
            )


def _check_placeholders(service: Service, reader: SpecReader) -> None:
    """Report placeholders in the environment that only Swarm fills in."""
    for key, text in service.get("environment", {}).items():
        unknown = [name for name in _PLACEHOLDER.findall(text) if name not in PLACEHOLDERS]
        if unknown:
            reader.at("environment").at(key).problem(
                f"Kubernetes has nothing to fill in for {{{{.{unknown[0]}}}}}; it knows"
                f" {', '.join(PLACEHOLDERS)}"
            )


def _check_annotation_keys(service: Service, reader: SpecReader) -> None:
    """Check annotations, which are for the platform; labels are for other programs as well."""
    for key in service.get("annotations", {}):
        if not LABEL_KEY.fullmatch(key):
            reader.at("annotations").at(key).problem(
                "is not a key on Kubernetes; write letters, digits, '-', '_' and '.', at most 63,"
                " after an optional domain and '/'"
            )


def _check_deploy(service: Service, reader: SpecReader) -> None:
    deploy, place = service.get("deploy", {}), reader.at("deploy")
    if deploy.get("mode") == GLOBAL_JOB:
        place.at("mode").problem(
            "Kubernetes has no job that runs on each node. Write replicated-job, or mode global"
            " with a program that stays"
        )
    if not is_job(service):
        _check_restarts(deploy.get("restart_policy", RESTART_DEFAULTS), place.at("restart_policy"))
    placement = deploy.get("placement", {})
    for index, text in enumerate(placement.get("constraints", [])):
        _check_constraint(text, place.at("placement").at("constraints").at(index))
    _check_spread(placement, place.at("placement"))


def _check_restarts(policy: Mapping[str, Any], place: SpecReader) -> None:
    if policy["condition"] == "none":
        place.at("condition").problem(
            "Kubernetes always restarts the pods of a service; leave it out, or write deploy.mode:"
            " replicated-job where the program ends"
        )
    # On a Swarm users run something once a day by it; a kubelet would run it again at once.
    elif units.nanoseconds(policy["delay"]) > _LONGEST_BACKOFF:
        place.at("delay").problem(
            f"Kubernetes restarts a pod after 5m at most, not after {policy['delay']}; write a"
            " CronJob under manifests in an app of its own"
        )


def _check_constraint(text: str, reader: SpecReader) -> None:
    constraint = split_constraint(text)
    if constraint is None:
        reader.problem(f"{text!r} is not a constraint; write for example node.labels.zone == a")
        return
    name, _operator, _value = constraint
    if name.startswith("engine."):
        reader.problem("Kubernetes nodes have no engine; label the nodes and write node.labels")
    elif name not in _CONSTRAINED and not name.startswith("node.labels."):
        reader.problem(
            f"Kubernetes knows no {name}; use node.labels, node.hostname, node.role or"
            " node.platform"
        )


def _check_spread(placement: Mapping[str, Any], reader: SpecReader) -> None:
    for index, spread in enumerate(placement.get("preferences", [])):
        if not spread.startswith("node.labels.") and spread not in NODE_LABELS:
            reader.at("preferences").at(index).problem(
                f"Kubernetes spreads over labels of nodes, not over {spread}; write"
                " node.labels.<label>"
            )
    if placement.get("max_replicas_per_node", 0) > 1:
        reader.at("max_replicas_per_node").problem(
            "Kubernetes supports one per node or no limit; write 1, or leave it out"
        )


def _check_grants(service: Service, reader: SpecReader) -> None:
    owner = service.get("user", "0").partition(":")[0].replace("root", "0")
    groups = set()
    for section in ("secrets", "configs"):
        for index, grant in enumerate(service.get(section, [])):
            _check_grant(grant, owner, reader.at(section).at(index))
            groups.add(grant["gid"])
    if len(groups - {"0"}) > 1:
        reader.problem(
            f"its secrets and configs have the gids {', '.join(sorted(groups - {'0'}))}, and a pod"
            " has one group for all its files; write one gid"
        )


def _check_grant(grant: Mapping[str, Any], owner: str, reader: SpecReader) -> None:
    # Such files belong to root: another user reads them by the group's bit or by that of all users.
    readable = 0o004 if grant["gid"] == "0" else 0o044
    if grant["uid"] not in ("0", owner):
        reader.at("uid").problem(
            "on Kubernetes such files belong to root; leave uid out and let the group read them"
            " by gid and mode 0440"
        )
    elif grant["uid"] != "0" and not grant["mode"] & readable:
        reader.at("mode").problem(
            "on Kubernetes such files belong to root, so the user could not read it; let the"
            " group read it by gid and mode 0440"
        )
    if not grant["gid"].isdigit():
        reader.at("gid").problem(f"Kubernetes supports numbers only, not {grant['gid']!r}")


def _check_logging(service: Service, reader: SpecReader) -> None:
    driver = service.get("logging", {}).get("driver")
    if driver not in LOCAL_LOG_DRIVERS:
        reader.at("logging.driver").problem(
            f"Kubernetes has no log drivers such as {driver}; collect the logs by an agent on the"
            " nodes and leave it out"
        )


def _check_devices(service: Service, reader: SpecReader) -> None:
    resources = service.get("deploy", {}).get("resources", {}).get("reservations", {})
    for kind in resources.get("generic_resources", {}):
        # Names without a domain are those of Kubernetes itself (extended resources).
        if "/" not in kind or not LABEL_KEY.fullmatch(kind):
            reader.at("deploy.resources.reservations.generic_resources").problem(
                f"Kubernetes has no resource {kind}; write the name that the nodes' device plugin"
                " gives it, such as nvidia.com/gpu"
            )


def _check_runtime(service: Service, reader: SpecReader) -> None:
    runtime = service.get("runtime", "")
    if runtime and not all(map(_HOST_NAME.fullmatch, runtime.split("."))):
        reader.at("runtime").problem(
            f"Kubernetes supports the name of a RuntimeClass, not {runtime}; write one of a-z, 0-9,"
            " '-' and '.'"
        )


def _check_ports(service: Service, reader: SpecReader) -> None:
    """Check that a container's port is published once, and that /dev/shm is one thing."""
    published = [
        (port["target"], port["protocol"])
        for port in service.get("ports", [])
        if port["mode"] == "host" and "published" in port
    ]
    for target, protocol in sorted({port for port in published if published.count(port) > 1}):
        reader.at("ports").problem(
            f"Kubernetes publishes the port {target}/{protocol} of a container once on a node;"
            " leave one of them out"
        )
    if "shm_size" in service and any(
        mount["target"] == SHARED_MEMORY for mount in service.get("volumes", [])
    ):
        reader.at("shm_size").problem("another mount has the target /dev/shm; write one of them")


CHECKS = (check_services, check_service_names, check_volumes, check_collisions)
