# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Report settings that a namespace's Pod Security Standard forbids. Pure.

Standards: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..._compose.security_options import UNCONFINED
from ..._deploy.resolution import HOST_NETWORK
from .pods import is_root

ENFORCE = "pod-security.kubernetes.io/enforce"
BASELINE, RESTRICTED = "baseline", "restricted"
_BASELINE_CAPABILITIES = frozenset(
    f"CAP_{name}"
    for name in (
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    )
)
_SELINUX_TYPES = (None, "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
_SAFE_SYSCTLS = (
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
)


def enforced(namespace: Mapping[str, Any] | None) -> str:
    """Return the standard that a namespace enforces, empty where it enforces none."""
    labels = ((namespace or {}).get("metadata") or {}).get("labels") or {}
    level = labels.get(ENFORCE, "")
    return level if level in (BASELINE, RESTRICTED) else ""


def violations(service: Mapping[str, Any], level: str) -> Iterator[tuple[str, str]]:
    """Yield key and hint of everything that a service may not do under a standard."""
    if not level:
        return
    yield from _of_the_host(service)
    if any(key not in _SAFE_SYSCTLS for key in service.get("sysctls", {})):
        yield "sysctls", f"only {', '.join(_SAFE_SYSCTLS)} are safe"
    yield from _privileges(service, level)


def _of_the_host(service: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if service.get("privileged"):
        yield "privileged", "leave it out"
    if HOST_NETWORK in service.get("networks", {}):
        yield "network_mode", "leave out host"
    if any(port["mode"] == "host" and "published" in port for port in service.get("ports", [])):
        yield "ports", "publish without mode: host"
    if any(mount["type"] == "bind" for mount in service.get("volumes", [])):
        yield (
            "volumes",
            "mount no path of the node; ship files under configs or secrets, or use a volume",
        )


def _gives_rights(labels: Mapping[str, Any]) -> bool:
    return bool({"user", "role"} & set(labels)) or labels.get("type") not in _SELINUX_TYPES


# Both standards forbid them.
_FORBIDDEN_OPTIONS: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    "seccomp": lambda options: options.get("seccomp") == UNCONFINED,
    "apparmor": lambda options: options.get("apparmor") == UNCONFINED,
    "label": lambda options: _gives_rights(options.get("selinux", {})),
}


def _privileges(service: Mapping[str, Any], level: str) -> Iterator[tuple[str, str]]:
    allowed = _BASELINE_CAPABILITIES if level == BASELINE else frozenset({"CAP_NET_BIND_SERVICE"})
    options = service.get("security_opt", {})
    forbidden = [name for name, is_forbidden in _FORBIDDEN_OPTIONS.items() if is_forbidden(options)]
    if forbidden:
        yield "security_opt", f"leave out {', '.join(forbidden)}"
    beyond = sorted(set(service.get("cap_add", [])) - allowed)
    if beyond:
        yield "cap_add", f"leave out {', '.join(beyond)}"
    # Without user the image decides, which only the kubelet sees.
    if level == RESTRICTED and "user" in service and is_root(service):
        yield "user", "write the number of a user that is not root"
