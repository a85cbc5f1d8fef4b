# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the words of scheduler, kubelet and API server mean, as Kubernetes 1.36 wrote them."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._deploy.failure_kinds import (
    FAILURE_KINDS,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes import causes

PREEMPTION = " preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
TAINT = (
    "0/2 nodes are available: 2 node(s) had untolerated taint"
    " {node-role.kubernetes.io/control-plane: }."
)
# Message, kind, patience, whether a task that goes may help.
UNSCHEDULABLE = [
    (
        "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
        "no_node",
        1.0,
        False,
    ),
    ("0/1 nodes are available: 1 Insufficient memory.", "no_resources", 3.0, True),
    (
        (
            "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't match Pod's node"
            " affinity/selector."
        ),
        "no_resources",
        3.0,
        True,
    ),
    (
        "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.",
        "port_taken",
        3.0,
        True,
    ),
    (
        "0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules.",
        "no_node",
        3.0,
        True,
    ),
    (TAINT, "no_node", 3.0, True),
    ("0/1 nodes are available: 1 node(s) were unschedulable.", "no_node", 3.0, True),
    (
        "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
        "no_volume",
        30.0,
        True,
    ),
    ('0/1 nodes are available: persistentvolumeclaim "data" not found.', "no_volume", 10.0, True),
    (
        "0/1 nodes are available: 1 node(s) didn't find available persistent volumes to bind.",
        "no_volume",
        10.0,
        True,
    ),
    (
        "0/1 nodes are available: 1 node(s) did not have enough free storage.",
        "no_volume",
        10.0,
        True,
    ),
    (
        (
            'running PreBind plugin "VolumeBinding": binding volumes: provisioning failed for PVC'
            ' "data"'
        ),
        "no_volume",
        10.0,
        True,
    ),
    ("something new", "no_node", 3.0, True),
]


@pytest.mark.parametrize(("message", "kind", "patience", "room"), UNSCHEDULABLE)
def test_why_no_machine_takes_a_pod(message, kind, patience, room):
    cause = causes.unschedulable(f"{message}{PREEMPTION}", other_architecture=False)
    assert cause is not None and (cause.kind, cause.patience, cause.room, cause.final) == (
        kind,
        patience,
        room,
        False,
    )
    assert message.rstrip(".") in cause.text and "reemption" not in cause.text


def test_an_architecture_that_no_machine_has():
    message = UNSCHEDULABLE[0][0]
    cause = causes.unschedulable(message, other_architecture=True)
    assert cause is not None and cause.kind == "wrong_architecture"
    assert causes.unschedulable(UNSCHEDULABLE[1][0], other_architecture=True).kind == "no_resources"


def test_a_pod_that_only_waits_has_no_cause():
    assert causes.unschedulable("", other_architecture=False) is None


RPC = 'rpc error: code = {} desc = failed to pull and unpack image "docker.io/library/x:9": '
# Reason, message, kind, whether it is final, what is said.
IMAGES = [
    (
        "ErrImagePull",
        RPC.format("NotFound") + "failed to resolve image: docker.io/library/x:9: not found",
        "image_missing",
        True,
        "has no x:9",
    ),
    (
        "ImagePullBackOff",
        'Back-off pulling image "x:9": ErrImagePull: ' + RPC.format("NotFound") + "x:9: not found",
        "image_missing",
        True,
        "x:9",
    ),
    (
        "ErrImagePull",
        RPC.format("Unknown") + "failed to authorize: 401 Unauthorized: unauthorized",
        "image_denied",
        True,
        "denies access to x:9",
    ),
    (
        "ErrImagePull",
        RPC.format("Unknown")
        + "pull access denied, repository does not exist or may require authorization: server"
        " message: insufficient_scope",
        "image_denied",
        True,
        "denies access to",
    ),
    (
        "ErrImagePull",
        RPC.format("NotFound") + "no match for platform in manifest: not found",
        "wrong_architecture",
        True,
        "architecture",
    ),
    (
        "ErrImagePull",
        RPC.format("Unknown") + "dial tcp: lookup r.example on 10.0.0.1:53: no such host",
        "registry_unreachable",
        False,
        "no such host",
    ),
    (
        "ErrImagePull",
        RPC.format("Unknown") + "dial tcp 10.0.0.9:5000: connect: connection refused",
        "registry_unreachable",
        False,
        "refused",
    ),
    (
        "ImagePullBackOff",
        'Back-off pulling image "x:9"',
        "registry_unreachable",
        False,
        "cannot pull x:9",
    ),
    (
        "InvalidImageName",
        'Failed to apply default image tag "X": couldn\'t parse image name "X"',
        "image_missing",
        True,
        "the registry cannot have an image named",
    ),
]


@pytest.mark.parametrize(("reason", "message", "kind", "final", "says"), IMAGES)
def test_why_an_image_cannot_be_had(reason, message, kind, final, says):
    cause = causes.image(reason, message, "x:9")
    assert (cause.kind, cause.final) == (kind, final) and says in cause.text
    assert "rpc error" not in cause.text
    assert kind in FAILURE_KINDS
    assert final or cause.patience is not None


RUNC = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc"
    " create failed: unable to start container process: "
)
# Reason, message, kind, whether it is final, what is said.
NOT_STARTED = [
    ("CreateContainerConfigError", 'secret "token" not found', "missing_object", False, "Secret"),
    (
        "CreateContainerConfigError",
        'configmap "settings" not found',
        "missing_object",
        False,
        "ConfigMap",
    ),
    (
        "CreateContainerConfigError",
        "container has runAsNonRoot and image will run as root (pod: web)",
        "start_failed",
        False,
        "runAsNonRoot",
    ),
    (
        "RunContainerError",
        RUNC + 'exec: "nope": executable file not found in $PATH: unknown',
        "start_failed",
        True,
        "does not exist",
    ),
    (
        "CreateContainerError",
        RUNC + "unable to find user bob: no matching entries in passwd file",
        "start_failed",
        True,
        "user",
    ),
    (
        "RunContainerError",
        RUNC + "exec /run: exec format error",
        "wrong_architecture",
        True,
        "architecture",
    ),
    (
        "RunContainerError",
        RUNC + 'exec: "/etc": permission denied',
        "start_failed",
        False,
        "executable",
    ),
    ("CreateContainerError", "something new", "start_failed", False, "something new"),
]


@pytest.mark.parametrize(("reason", "message", "kind", "final", "says"), NOT_STARTED)
def test_why_a_container_is_not_started(reason, message, kind, final, says):
    cause = causes.not_started(reason, message)
    assert cause is not None and (cause.kind, cause.final) == (kind, final) and says in cause.text
    assert final or cause.patience is not None


@pytest.mark.parametrize(
    "words",
    [
        "failed to sync secret cache: timed out waiting for the condition",
        "no relationship found between node 'a' and this object",
    ],
)
def test_a_kubelet_that_hears_late_is_given_time(words):
    assert (
        causes.not_started("CreateContainerConfigError", words).patience
        == causes.mount(words).patience
        == 30.0
    )


@pytest.mark.parametrize("reason", ["ContainerCreating", "PodInitializing", ""])
def test_what_only_takes_its_time(reason):
    assert causes.not_started(reason, "") is None


TERMINATED = [
    ({"exitCode": 1, "reason": "Error"}, "crash", "exited with code 1"),
    ({"exitCode": 137, "reason": "OOMKilled"}, "killed_for_memory", "memory"),
    ({"exitCode": 0, "reason": "Completed"}, "ended", "exited with code 0"),
    (
        {
            "exitCode": 128,
            "reason": "StartError",
            "message": RUNC + 'exec: "x": executable file not found in $PATH',
        },
        "start_failed",
        "does not exist",
    ),
]


@pytest.mark.parametrize(("state", "kind", "says"), TERMINATED)
def test_why_a_container_ended(state, kind, says):
    cause = causes.terminated(state)
    assert cause.kind == kind and says in cause.text
    assert kind in FAILURE_KINDS


MOUNTS = [
    (
        'MountVolume.SetUp failed for volume "run-secrets-token" : secret "token" not found',
        "missing_object",
        'Secret that it needs is missing (secret "token"',
    ),
    (
        'MountVolume.SetUp failed for volume "etc-a" : configmap "settings" not found',
        "missing_object",
        "ConfigMap",
    ),
    (
        (
            'MountVolume.SetUp failed for volume "x" : hostPath type check failed: /nope is not a'
            " directory"
        ),
        "mount_failed",
        "(hostPath type check failed: /nope",
    ),
]


@pytest.mark.parametrize(("message", "kind", "says"), MOUNTS)
def test_why_a_volume_is_not_mounted(message, kind, says):
    cause = causes.mount(message)
    assert cause.kind == kind and says in cause.text and cause.patience


@pytest.mark.parametrize(
    "message",
    [
        (
            'MountVolume.SetUp failed for volume "etc-a" : failed to sync configmap cache: timed'
            " out waiting for the condition"
        ),
        (
            'error processing PVC a/data: persistentvolumeclaims "data" is forbidden: User'
            ' "system:node:one" cannot get resource "persistentvolumeclaims" in API group "" in the'
            " namespace \"a\": no relationship found between node 'one' and this object"
        ),
        (
            'failed to fetch token: serviceaccounts "default" is forbidden: node requested token'
            " bound to a pod scheduled on a different node"
        ),
    ],
)
def test_what_a_busy_cluster_hears_of_too_late_is_waited_for(message):
    assert causes.mount(message).patience > 20 > causes.mount(MOUNTS[-1][0]).patience


AWAY = [
    (
        "Failed to create pod sandbox: rpc error: code = Unavailable desc = error reading from"
        " server: EOF"
    ),
    (
        'rpc error: code = Unavailable desc = connection error: desc = "transport: Error while'
        ' dialing: dial unix /run/containerd/containerd.sock: connect: connection refused"'
    ),
    (
        'rpc error: code = Unavailable desc = connection error: desc = "transport: Error while'
        ' dialing: dial unix /run/containerd/containerd.sock: connect: no such file or directory"'
    ),
]


@pytest.mark.parametrize("message", AWAY)
def test_a_runtime_that_is_away_is_waited_for(message):
    found = (
        causes.sandbox(message),
        causes.not_started("CreateContainerError", message),
        causes.image("ErrImagePull", message, "shop:1"),
    )
    assert [cause.patience for cause in found] == [30.0, 30.0, 30.0]
    registry = (
        "rpc error: code = Unknown desc = failed to do request: dial tcp 10.0.0.1:5000: connect:"
        " connection refused"
    )
    assert (
        causes.sandbox(registry).patience == 8.0
        and causes.image("ErrImagePull", registry, "shop:1").patience == 6.0
    )


def test_what_is_refused():
    quota = causes.rejected(
        'pods "web-1" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2,'
        " limited: pods=2"
    )
    assert (quota.kind, quota.room) == ("quota", True) and "exceeded quota: small" in quota.text
    level = causes.rejected(
        'pods "web-1" is forbidden: violates PodSecurity "restricted:latest":'
        " allowPrivilegeEscalation != false"
    )
    assert (level.kind, level.room) == ("pods_rejected", False) and "PodSecurity" in level.text


def test_a_pod_that_is_gone():
    evicted = causes.gone(
        {
            "status": {
                "phase": "Failed",
                "reason": "Evicted",
                "message": "The node was low on resource: memory.",
            }
        }
    )
    assert evicted.kind == "evicted" and "low on resource" in evicted.text
    assert "Failed" in causes.gone({"status": {"phase": "Failed"}}).text
    assert causes.sandbox(
        "Failed to create pod sandbox: rpc error: code = Unknown desc = no network"
    ).text.endswith("(no network)")


ENDED = (
    "Readiness probe errored and resulted in unknown state: rpc error: code = Unknown desc ="
    " container is in CONTAINER_EXITED state"
)
# Messages of failed probes, oldest first; what is told of them.
PROBES = [
    ([], ""),
    (["Liveness probe failed: the cache\nis down\n"], "the cache is down"),
    (["Liveness probe failed: cold", "Readiness probe failed: colder\n"], "colder"),
    (
        ["Liveness probe failed: the cache is down\n", "Readiness probe failed: ", ENDED],
        "the cache is down",
    ),
    (["Startup probe failed: "], "nothing"),
    ([ENDED], ""),
    (
        ['Liveness probe failed: Get "http://10.244.0.7:80/": dial tcp: refused'],
        'Get "http://10.244.0.7:80/": dial tcp: refused',
    ),
]


@pytest.mark.parametrize(("messages", "said"), PROBES)
def test_what_a_health_check_said(messages, said):
    assert causes.probed(messages) == said


@pytest.mark.parametrize(
    "kind", ["missing_object", "no_volume", "quota", "pods_rejected", "evicted"]
)
def test_every_kind_has_a_remedy(kind):
    assert FAILURE_KINDS.get(kind)
