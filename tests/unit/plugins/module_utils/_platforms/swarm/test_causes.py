# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Swarm's own words, as engines wrote them, and what they mean."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._deploy.failure_kinds import (
    FAILURE_KINDS,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm import causes

ONE = "no suitable node"
# Error -> kind, whether room may be made, for how many seconds it is waited for.
WAITING = [
    (f"{ONE} (scheduling constraints not satisfied on 1 node)", "no_node", False, 1),
    (f"{ONE} (insufficient resources on 3 nodes)", "no_resources", True, 5),
    (f"{ONE} (host-mode port already in use on 1 node)", "port_taken", True, 5),
    (f"{ONE} (unsupported platform on 2 nodes)", "wrong_architecture", False, 1),
    (f"{ONE} (missing plugin on 1 node)", "missing_plugin", False, 1),
    (f"{ONE} (max replicas per node limit exceed)", "no_node", True, 5),
    (f"{ONE} (1 node not available for new tasks)", "node_unavailable", True, 15),
    (
        f"{ONE} (host-mode port already in use on 1 node; scheduling constraints not satisfied on"
        " 2 nodes)",
        "port_taken",
        True,
        5,
    ),
    (
        f"{ONE} (scheduling constraints not satisfied on 2 nodes; 1 node not available for new"
        " tasks)",
        "no_node",
        True,
        15,
    ),
    (
        f"{ONE} (insufficient resources on 1 node; scheduling constraints not satisfied on 1 node)",
        "no_resources",
        True,
        5,
    ),
    (f"{ONE} (something new)", "no_node", True, 5),
]


@pytest.mark.parametrize(("error", "kind", "room", "seconds"), WAITING)
def test_why_a_task_waits(error, kind, room, seconds):
    cause = causes.waiting(error)
    assert cause is not None
    assert (cause.kind, cause.room, cause.patience) == (kind, room, seconds)
    assert kind in FAILURE_KINDS


def test_a_task_that_only_waits_has_no_cause():
    assert causes.waiting("") is None


FAILED = [
    (
        {"State": "rejected", "Err": "No such image: registry.example.com/shop:9"},
        "image_unavailable",
        True,
        "registry.example.com/shop:9",
    ),
    (
        {
            "State": "rejected",
            "Err": 'invalid mount config for type "bind": bind source path does not exist: /data',
        },
        "mount_failed",
        True,
        "/data",
    ),
    (
        {
            "State": "failed",
            "Err": (
                'starting container failed: exec: "x": executable file not found in $PATH: unknown'
            ),
        },
        "start_failed",
        True,
        '"x"',
    ),
    (
        {
            "State": "failed",
            "Err": (
                "starting container failed: unable to find user bob: no matching entries in passwd"
                " file"
            ),
        },
        "start_failed",
        True,
        "bob",
    ),
    (
        {
            "State": "failed",
            "Err": (
                "starting container failed: driver failed: listen tcp4 0.0.0.0:80: bind: address"
                " already in use"
            ),
        },
        "port_taken",
        False,
        ":80",
    ),
    (
        {
            "State": "failed",
            "Err": "task: non-zero exit (1)",
            "ContainerStatus": {"ExitCode": 1, "ContainerID": "a"},
        },
        "crash",
        False,
        "exited with code 1",
    ),
    (
        {"State": "failed", "Err": "task: non-zero exit (137): dockerexec: unhealthy container"},
        "unhealthy",
        False,
        "failed its health check",
    ),
    (
        {"State": "complete", "ContainerStatus": {"ExitCode": 0, "ContainerID": "a"}},
        "ended",
        False,
        "exited with code 0",
    ),
    (
        {"State": "failed", "Err": "starting container failed: something new"},
        "not_started",
        False,
        "something new",
    ),
]


@pytest.mark.parametrize(("status", "kind", "final", "says"), FAILED)
def test_why_a_task_ended(status, kind, final, says):
    cause = causes.failed(status)
    assert (cause.kind, cause.final) == (kind, final)
    assert says in cause.text
    assert kind in FAILURE_KINDS


START = "starting container failed: "
RUNC = f"{START}failed to create shim task: OCI runtime create failed: runc create failed: "
INIT = f"{RUNC}unable to start container process: error during container init: "
# Err -> kind, whether trying again cannot help. Answered by Docker 20.10.24, those of networks read
# in moby's libnetwork (drivers/overlay, ipam, default_gateway.go) and seen in bug reports.
ENDED = [
    ('invalid CapAdd: unknown capability: "CAP_NOPE"', "setting_rejected", True),
    ("invalid mount target, must be an absolute path: d", "mount_failed", True),
    (
        f'{RUNC}unable to start container process: exec: "/etc": permission denied: unknown',
        "start_failed",
        False,
    ),
    (f"{INIT}sethostname: invalid argument: unknown", "setting_rejected", True),
    (
        f"{START}failed to initialize logging driver: dial tcp 127.0.0.1:1: connect: connection"
        " refused",
        "logging_failed",
        False,
    ),
    ("unknown log opt 'nope' for json-file log driver", "logging_failed", True),
    (
        "Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available",
        "limit_rejected",
        True,
    ),
    ("Minimum memory limit allowed is 6MB", "limit_rejected", True),
    ("Invalid signal: SIGNOPE", "setting_rejected", True),
    (
        f"{INIT}error setting rlimits for ready process: error setting rlimit type 7: operation not"
        " permitted: unknown",
        "setting_rejected",
        False,
    ),
    (f"{RUNC}wrong rlimit value: RLIMIT_NOPE: unknown", "setting_rejected", True),
    (
        f"{START}unable to find group nogroup9: no matching entries in group file",
        "start_failed",
        True,
    ),
    (
        f"{START}error while mounting volume '/data/volumes/v/_data': failed to mount local volume:"
        " mount :/x:/data/volumes/v/_data, data: addr=127.0.0.1: no such device",
        "mount_failed",
        False,
    ),
    ('create vbad: invalid option: "nope"', "mount_failed", True),
    (
        f'{INIT}error mounting "/etc/hostname" to rootfs at "/etc": mount /etc/hostname:/etc (via'
        " /proc/self/fd/6), flags: 0x5001: not a directory: unknown: Are you trying to mount a"
        " directory onto a file (or vice-versa)? Check if the specified host path exists and is the"
        " expected type",
        "mount_failed",
        False,
    ),
    (
        "the working directory 'rel' is invalid, it needs to be an absolute path",
        "start_failed",
        True,
    ),
    ("Cannot mkdir: /etc/hostname is not a directory", "start_failed", True),
    (
        f"{INIT}open /proc/sys/net/nope: no such file or directory: unknown",
        "setting_rejected",
        False,
    ),
    (
        f'{RUNC}sysctl "kernel.pid_max" is not in a separate kernel namespace: unknown',
        "setting_rejected",
        True,
    ),
    (f"{START}error creating vxlan interface: file exists", "network_failed", False),
    (
        'network sandbox join failed: subnet sandbox join failed for "10.0.1.0/24": error creating'
        " vxlan interface: file exists",
        "network_failed",
        False,
    ),
    (f"{START}Address already in use", "network_failed", False),
    (
        f"{START}container 5f: endpoint join on GW Network failed: driver failed programming"
        " external connectivity on endpoint gateway_5f: (iptables failed: No such file or"
        " directory)",
        "network_failed",
        False,
    ),
    (
        "attaching to network failed, make sure your network options are correct and check manager"
        " logs: context deadline exceeded",
        "network_failed",
        False,
    ),
    (
        f"{START}driver failed programming external connectivity on endpoint web: Bind for"
        " 0.0.0.0:80 failed: port is already allocated",
        "port_taken",
        False,
    ),
    (
        f"{START}failed to set up container networking: driver failed programming external"
        " connectivity on endpoint web: failed to bind host port for 0.0.0.0:80:172.18.0.2:80/tcp:"
        " address already in use",
        "port_taken",
        False,
    ),
    (
        "create shop_data: conflict: volume name must be unique",
        "volume_differs",
        True,
    ),
    ("assigned node no longer meets constraints", "no_node", False),
    (f"{START}context deadline exceeded", "engine_slow", False),
    (
        f"{START}mkdir /var/lib/docker/overlay2/x: no space left on device",
        "disk_full",
        False,
    ),
]


@pytest.mark.parametrize(("error", "kind", "final"), ENDED)
def test_a_cause_is_named_by_what_failed(error, kind, final):
    cause = causes.failed({"State": "failed", "Err": error})
    assert (cause.kind, cause.final) == (kind, final)
    assert error in cause.text
    assert kind in FAILURE_KINDS
