# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a namespace's standard does not let a service do is told before anything is sent."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes import (
    pod_security,
)

from .resolved_apps import one

HOST_PORT = {"ports": [{"target": 80, "published": 80, "mode": "host"}]}
# Keys of a service, the keys that are told under baseline, and under restricted.
VIOLATIONS = [
    ({}, [], []),
    ({"user": "1000"}, [], []),
    ({"user": "0"}, [], ["user"]),
    ({"user": "0:5"}, [], ["user"]),
    ({"privileged": True}, ["privileged"], ["privileged"]),
    ({"network_mode": "host"}, ["network_mode"], ["network_mode"]),
    (HOST_PORT, ["ports"], ["ports"]),
    ({"ports": ["80:80", {"target": 81, "mode": "host"}]}, [], []),
    ({"volumes": ["/srv:/srv"]}, ["volumes"], ["volumes"]),
    ({"volumes": ["data:/a", "/b"], "tmpfs": "/c", "secrets": ["token"]}, [], []),
    ({"sysctls": {"net.core.somaxconn": "1"}}, ["sysctls"], ["sysctls"]),
    ({"sysctls": {"net.ipv4.tcp_syncookies": "1"}}, [], []),
    ({"security_opt": ["no-new-privileges", "label=level:s0"]}, [], []),
    ({"security_opt": ["seccomp=builtin", "apparmor=mine", "label=type:container_t"]}, [], []),
    *(
        ({"security_opt": [option]}, ["security_opt"], ["security_opt"])
        for option in ("seccomp=unconfined", "apparmor=unconfined", "label=type:a", "label=user:u")
    ),
    ({"cap_add": ["NET_ADMIN"]}, ["cap_add"], ["cap_add"]),
    ({"cap_add": ["ALL"]}, ["cap_add"], ["cap_add"]),
    ({"cap_add": ["CHOWN"]}, [], ["cap_add"]),
    ({"cap_add": ["NET_BIND_SERVICE"]}, [], []),
    (
        {"privileged": True, "user": "0", **HOST_PORT},
        ["privileged", "ports"],
        ["privileged", "ports", "user"],
    ),
]


@pytest.mark.parametrize(("keys", "baseline", "restricted"), VIOLATIONS, ids=str)
def test_violations(keys, baseline, restricted):
    service = one(**keys).services["web"]
    told = {
        level: [key for key, _remedy in pod_security.violations(service, level)]
        for level in ("", "baseline", "restricted")
    }
    assert told == {"": [], "baseline": baseline, "restricted": restricted}
    assert all(remedy for _key, remedy in pod_security.violations(service, "restricted"))


LEVELS = [
    (None, ""),
    ({}, ""),
    ({pod_security.ENFORCE: "privileged"}, ""),
    ({pod_security.ENFORCE: "baseline"}, "baseline"),
    ({pod_security.ENFORCE: "restricted"}, "restricted"),
]


@pytest.mark.parametrize(("labels", "level"), LEVELS)
def test_what_a_namespace_enforces(labels, level):
    assert pod_security.enforced({"metadata": {"labels": labels}}) == level
    assert pod_security.enforced(None) == ""
