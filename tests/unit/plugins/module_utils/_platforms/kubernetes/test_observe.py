# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster shows of pods, as Kubernetes 1.36 writes them.

The tests hold whether it lets a rollout live or die.
"""

from __future__ import annotations

import copy
from datetime import datetime

import pytest
from ansible_collections.shipping.code.plugins.module_utils._deploy.health import (
    HealthMemory,
    assess,
    remember,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.state import (
    ENDED,
    PREPARING,
    RUNNING,
    STARTING,
    UPDATING,
    WAITING,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes import (
    observe,
    render,
)

from .resolved_apps import APP, NAMESPACE, cluster_fills, one

SPEC = one(healthcheck={"test": "ok"}, deploy={"replicas": 1})
HASH = render.service_hash(APP, "web", SPEC)
CLOCK = datetime.fromisoformat("2026-01-01T00:01:00+00:00").timestamp()


def workload(app=SPEC, **status):
    body = cluster_fills(render.workload(APP, "web", app))
    body["metadata"].update(uid="deployment", generation=2)
    body["status"] = {"observedGeneration": 2, **status}
    return body


def replica_set(number=1, revision="1"):
    owner = {"kind": "Deployment", "name": "web", "uid": "deployment"}
    return {
        "metadata": {
            "uid": f"set-{number}",
            "name": f"web-{number}",
            "ownerReferences": [owner],
            "annotations": {observe.REVISION: revision},
        }
    }


def condition(kind, status, message="", since="2026-01-01T00:00:05Z"):
    return {"type": kind, "status": status, "message": message, "lastTransitionTime": since}


def pod(
    name="web-1-a",
    containers=(),
    conditions=(),
    phase="Pending",
    node="node-a",
    owner="set-1",
    labels=None,
    **more,
):
    """A pod of the newest ReplicaSet."""
    metadata = {
        "name": name,
        "uid": f"uid-{name}",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "labels": (
            {
                "shipping.code/app": APP,
                "shipping.code/service": "web",
                "shipping.code/hash": HASH,
            }
            if labels is None
            else labels
        ),
        "ownerReferences": [{"kind": "ReplicaSet", "name": "web-1", "uid": owner}],
        **more.pop("metadata", {}),
    }
    status = {
        "phase": phase,
        "conditions": list(conditions),
        "containerStatuses": list(containers),
        **more,
    }
    return {
        "metadata": metadata,
        "spec": {
            **({"nodeName": node} if node else {}),
            "containers": [{"name": "web", "image": "r.example/web:1"}],
        },
        "status": status,
    }


def container(state=None, restarts=0, ready=False, last=None, name="web"):
    kind, details = state or ("running", {"startedAt": "2026-01-01T00:00:04Z"})
    return {
        "name": name,
        "ready": ready,
        "restartCount": restarts,
        "state": {kind: details},
        "lastState": {"terminated": last} if last else {},
    }


def waiting(reason, message="", **more):
    return container(
        ("waiting", {"reason": reason, **({"message": message} if message else {})}), **more
    )


def terminated(code=1, reason="Error", **more):
    return {
        "exitCode": code,
        "reason": reason,
        "startedAt": "2026-01-01T00:00:04Z",
        "finishedAt": "2026-01-01T00:00:05Z",
        **more,
    }


def crashed(restarts, **end):
    return pod(
        containers=[
            waiting(
                "CrashLoopBackOff",
                "back-off 10s restarting failed container",
                restarts=restarts,
                last=terminated(**end),
            )
        ],
        phase="Running",
    )


NOT_FOUND = 'rpc error: code = NotFound desc = failed to resolve image "r.example/web:1": not found'
UNSCHEDULABLE = pod(
    node="",
    conditions=[
        condition(
            "PodScheduled",
            "False",
            "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
        )
    ],
)
NO_MEMORY = pod(
    node="",
    conditions=[
        condition(
            "PodScheduled",
            "False",
            "0/1 nodes are available: 1 Insufficient memory. preemption: none",
        )
    ],
)
NEW = pod(node="")
CREATING = pod(containers=[waiting("ContainerCreating")])
NO_IMAGE = pod(containers=[waiting("ErrImagePull", NOT_FOUND)])
NO_IMAGE_STILL = pod(
    containers=[
        waiting(
            "ImagePullBackOff",
            f'Back-off pulling image "r.example/web:1": ErrImagePull: {NOT_FOUND}',
        )
    ]
)
NO_REGISTRY = pod(
    containers=[
        waiting(
            "ErrImagePull",
            "rpc error: code = Unknown desc = dial tcp 10.0.0.9:5000: connect: connection refused",
        )
    ]
)
NO_SECRET = pod(containers=[waiting("CreateContainerConfigError", 'secret "token" not found')])
NO_COMMAND = crashed(
    0, code=128, reason="StartError", message='exec: "nope": executable file not found in $PATH'
)
FIRST_CRASH = pod(containers=[container(("terminated", terminated()))], phase="Running")
OUT_OF_MEMORY = crashed(1, code=137, reason="OOMKilled")
NOT_READY = pod(containers=[container()], phase="Running", conditions=[condition("Ready", "False")])
READY = pod(
    containers=[container(ready=True)], phase="Running", conditions=[condition("Ready", "True")]
)
GOING = pod(
    "web-0-z",
    containers=[container(ready=True)],
    phase="Running",
    owner="set-0",
    metadata={"deletionTimestamp": "2026-01-01T00:00:09Z"},
)
OLD = pod(
    "web-0-z",
    containers=[container(ready=True)],
    phase="Running",
    owner="set-0",
    labels={"shipping.code/app": APP, "shipping.code/service": "web"},
)
EVICTED = pod(
    "web-1-e", phase="Failed", reason="Evicted", message="The node was low on resource: memory."
)
HALF = pod(containers=[container(ready=True), container(name="sidecar")], phase="Running")


def found(*pods, body=None, sets=None, events=(), **keys):
    objects = observe.own(APP, NAMESPACE, [body or workload()])
    return observe.Snapshot(
        objects,
        sets or [replica_set(0, "0"), replica_set()],
        copy.deepcopy(list(pods)),
        list(events),
        clock=CLOCK,
        **keys,
    )


def state(*pods, app=SPEC, **keys):
    return observe.states(APP, found(*pods, **keys), app, 5.0)["web"]


# Pod, its state, the kind of its cause, how many of its attempts have failed.
PODS = [
    (NEW, WAITING, None, 0),
    (UNSCHEDULABLE, WAITING, "no_machine", 0),
    (NO_MEMORY, WAITING, "no_resources", 0),
    (CREATING, PREPARING, None, 0),
    (pod(containers=[waiting("ImagePullBackOff")]), PREPARING, None, 0),
    (NO_IMAGE, PREPARING, "image_missing", 1),
    (NO_IMAGE_STILL, PREPARING, "image_missing", 1),
    (NO_REGISTRY, PREPARING, "registry_unreachable", 0),
    (NO_SECRET, PREPARING, "missing_object", 0),
    (FIRST_CRASH, PREPARING, None, 1),
    (crashed(0), PREPARING, None, 1),
    (crashed(2), PREPARING, None, 3),
    (
        pod(containers=[container(restarts=2, last=terminated())], phase="Running"),
        STARTING,
        None,
        2,
    ),
    (OUT_OF_MEMORY, PREPARING, None, 2),
    (NOT_READY, STARTING, None, 0),
    (HALF, STARTING, None, 0),
    (READY, RUNNING, None, 0),
    (EVICTED, ENDED, "evicted", 0),
    (
        pod(phase="Succeeded", containers=[container(("terminated", terminated(0, "Completed")))]),
        ENDED,
        "crash",
        1,
    ),
]


@pytest.mark.parametrize(("given", "expected", "kind", "failures"), PODS)
def test_pods(given, expected, kind, failures):
    *attempts, last = state(given).tasks
    assert (last.state, last.cause.kind if last.cause else None) == (expected, kind)
    assert len(attempts) == failures and all(
        attempt.failed and attempt.sent and attempt.state == ENDED for attempt in attempts
    )
    assert last.current and last.sent and last.wanted == (expected != ENDED)
    assert (last.name, last.slot, last.machine) == (
        given["metadata"]["name"],
        given["metadata"]["name"],
        given["spec"].get("nodeName", ""),
    )
    assert len({attempt.id for attempt in attempts}) == failures


def test_a_kubelet_that_could_not_read_the_credentials_yet_is_waited_for():
    """It pulls without them, is denied, and tries again.

    Without credentials of its own a pod has nothing to wait for.
    """
    given = pod(
        containers=[
            waiting(
                "ErrImagePull",
                "rpc error: code = Unknown desc = authorization failed: no basic auth credentials",
            )
        ]
    )
    assert state(given).tasks[-1].cause.final
    given["spec"]["imagePullSecrets"] = [{"name": "registry"}]
    (denied,) = state(given).tasks
    assert (denied.cause.kind, denied.cause.final, denied.cause.patience) == (
        "image_denied",
        False,
        3.0,
    )
    said = {
        "reason": "FailedToRetrieveImagePullSecret",
        "involvedObject": {"uid": given["metadata"]["uid"]},
    }
    assert state(given, events=[said]).tasks[-1].cause.patience == 30.0


def test_attempts_say_how_they_ended():
    attempt = state(crashed(0, code=3)).tasks[0]
    assert (attempt.exit_code, attempt.cause.kind) == (
        3,
        "crash",
    ) and "exit code 3" in attempt.cause.text
    assert state(OUT_OF_MEMORY).tasks[0].cause.kind == "killed_for_memory"
    assert state(NO_COMMAND).tasks[0].cause.final


def test_pods_that_go_or_are_of_a_former_template():
    old, going = (state(given).tasks[-1] for given in (OLD, GOING))
    assert (old.state, old.current, old.sent, old.wanted) == (RUNNING, False, False, True)
    assert (going.state, going.wanted) == (RUNNING, False)
    ended = state(
        pod(
            metadata={"deletionTimestamp": "x"},
            containers=[container(("terminated", terminated()))],
        )
    ).tasks
    assert ended[-1].state == ENDED and not any(task.failed for task in ended), (
        "what is told to end does not fail"
    )


def test_a_pod_that_bears_the_hash_but_not_the_template_was_sent():
    """Somebody edited the Deployment meanwhile.

    Pods of the newest template are current, the others were ours.
    """
    task = state(READY, sets=[replica_set(0, "1"), replica_set(1, "0")]).tasks[-1]
    assert not task.current and task.sent


def test_a_look_that_is_older_than_the_write_shows_nothing_current():
    for seen in (
        state(READY, body=workload(observedGeneration=1)),
        state(READY, applied={"web": 3}),
    ):
        assert seen.update == UPDATING and not seen.healthy
    assert not assess(state(READY, applied={"web": 3}), HealthMemory(), 9.0, 3).live
    assert state(READY, applied={"web": 2}).healthy


def test_how_long_a_pod_runs_is_told_by_the_cluster():
    """The youngest of its container's start and its readiness, less a second for the rounding."""
    assert state(READY).tasks[-1].age == 54.0
    assert state(NEW).tasks[-1].age == 0.0


def test_replicas_and_checks():
    assert state(body=workload(one())).wanted == 1 and not state(body=workload(one())).checked
    assert state(body=workload(one(deploy={"replicas": 0}))).wanted == 0
    assert state().checked


def daemon_set(**status):
    body = workload(one(deploy={"mode": "global"}), **status)
    body["metadata"]["annotations"]["deprecated.daemonset.template.generation"] = "4"
    return body


def test_daemon_sets_want_as_many_as_there_are_machines():
    mine = pod(containers=[container(ready=True)], phase="Running", owner="deployment")
    mine["metadata"]["labels"]["pod-template-generation"] = "4"
    other = copy.deepcopy(mine)
    other["metadata"].update(
        uid="other", labels={**mine["metadata"]["labels"], "pod-template-generation": "3"}
    )
    seen = state(mine, other, body=daemon_set(desiredNumberScheduled=2))
    assert (seen.wanted, seen.everywhere, [task.current for task in seen.tasks]) == (
        2,
        True,
        [True, False],
    )
    assert state(body=daemon_set()).wanted == 0


def test_pods_that_the_server_refuses():
    failure = condition(
        "ReplicaFailure",
        "True",
        'pods "web-1-x" is forbidden: exceeded quota: small, requested: pods=1, used: pods=1,'
        " limited: pods=1",
    )
    (task,) = state(body=workload(conditions=[failure])).tasks
    assert (task.state, task.cause.kind, task.cause.room) == (WAITING, "quota", True)
    assert state(body=workload(conditions=[condition("ReplicaFailure", "False")])).tasks == ()
    assert state(body=workload(conditions=[failure], observedGeneration=1)).tasks == ()


def test_pods_of_a_workload_that_was_taken_over_are_known_by_their_owner():
    theirs = pod(containers=[container(ready=True)], phase="Running", labels={"app": "theirs"})
    strange = pod(
        "other",
        containers=[container(ready=True)],
        phase="Running",
        owner="somebody",
        labels={"app": "theirs"},
    )
    app = one(added={"bare": True, "selector": {"app": "theirs"}})
    seen = state(theirs, strange, app=app, body=workload(app))
    assert [task.name for task in seen.tasks] == ["web-1-a"] and seen.healthy


def event(reason, message, uid="uid-web-1-a", when="2026-01-01T00:00:09Z"):
    return {
        "reason": reason,
        "message": message,
        "involvedObject": {"uid": uid},
        "lastTimestamp": when,
    }


# Events, the kind of the cause that they are.
EVENTS = [
    (
        [
            event(
                "FailedMount", 'MountVolume.SetUp failed for volume "x" : secret "token" not found'
            )
        ],
        "missing_object",
    ),
    (
        [
            event(
                "FailedMount",
                'MountVolume.SetUp failed for volume "x" : hostPath type check failed: /x is not a'
                " directory",
            )
        ],
        "mount_failed",
    ),
    (
        [
            event(
                "FailedCreatePodSandBox",
                "Failed to create pod sandbox: rpc error: code = Unknown desc = no network",
            )
        ],
        "sandbox_failed",
    ),
    ([event("FailedMount", "x", uid="another")], None),
    ([event("Unhealthy", "Readiness probe failed: no")], None),
    (
        [
            event("FailedMount", "x : y", when="2026-01-01T00:00:01Z"),
            event("FailedCreatePodSandBox", "x", when="2026-01-01T00:00:02Z"),
        ],
        "sandbox_failed",
    ),
]


@pytest.mark.parametrize(("events", "kind"), EVENTS)
def test_what_only_events_say(events, kind):
    cause = state(CREATING, events=events).tasks[-1].cause
    assert (cause.kind if cause else None) == kind


def test_only_the_apps_own_objects_count():
    strange = workload()
    strange["metadata"]["labels"]["shipping.code/app"] = "other"
    elsewhere = workload()
    elsewhere["metadata"]["namespace"] = "elsewhere"
    assert observe.own(APP, NAMESPACE, [strange, elsewhere]) == {}


def looks(*seen, every=1.0, memory=None):
    """The outcome of the last of several looks."""
    memory = memory or HealthMemory()
    outcome = None
    for number, look in enumerate(seen):
        outcome = assess(look, memory, number * every, 3)
        memory = outcome.memory
    return outcome


def test_live():
    assert looks(state(READY)).live
    assert (
        not looks(state(NOT_READY)).live
        and not looks(state(READY, GOING)).live
        and not looks(state(READY, OLD)).live
    )
    assert looks(state(READY, EVICTED)).live, "a pod that was evicted and replaced is history"


# Pods, looks, the kind of cause (None: not yet), what is said.
VERDICTS = [
    ([crashed(1)], 1, None, ""),
    ([crashed(2)], 1, "crash", "ended with exit code 1, 3 times"),
    (
        [pod(containers=[container(restarts=3, last=terminated(9))], phase="Running")],
        1,
        "crash",
        "exit code 9, 3 times",
    ),
    ([OUT_OF_MEMORY], 9, None, ""),
    ([crashed(2, code=137, reason="OOMKilled")], 1, "killed_for_memory", "memory"),
    ([NO_IMAGE], 1, "image_missing", "has no r.example/web:1"),
    ([NO_COMMAND], 1, "start_failed", "does not exist in the image"),
    ([UNSCHEDULABLE], 1, None, ""),
    ([UNSCHEDULABLE], 2, "no_machine", "no machine matches its placement"),
    ([UNSCHEDULABLE, GOING], 2, "no_machine", "no machine matches"),
    ([NO_MEMORY], 3, None, ""),
    ([NO_MEMORY], 4, "no_resources", "CPU or memory"),
    ([NO_MEMORY, GOING], 9, None, ""),
    ([NO_REGISTRY], 6, None, ""),
    ([NO_REGISTRY], 7, "registry_unreachable", "connection refused"),
    ([NO_SECRET], 4, "missing_object", "token"),
    ([CREATING], 60, None, ""),
    ([NOT_READY], 60, None, ""),
]


@pytest.mark.parametrize(("pods", "count", "kind", "says"), VERDICTS)
def test_verdicts(pods, count, kind, says):
    outcome = looks(*[state(*pods)] * count)
    assert not outcome.live and (outcome.cause.kind if outcome.cause else None) == kind
    assert says in (outcome.cause.text if outcome.cause else "")


def test_what_failed_before_does_not_count():
    before = state(crashed(2))
    assert looks(before).cause and looks(before, memory=remember(before)).cause is None
    assert looks(state(crashed(3)), memory=remember(before)).cause is None
    again = looks(state(crashed(5)), memory=remember(before))
    assert again.cause and again.crashes == 3


def test_an_architecture_that_no_machine_has():
    app = one(platform="arm64")
    assert (
        looks(*[state(UNSCHEDULABLE, app=app, body=workload(app))] * 2).cause.kind
        == "wrong_architecture"
    )


def test_belongings():
    seen = found(READY)
    for kind, name, role in (
        ("Secret", "s", "content"),
        ("ConfigMap", "c", "content"),
        ("NetworkPolicy", "n", "network"),
        ("NetworkPolicy", "p", ""),
    ):
        labels = {"shipping.code/app": APP, **({"shipping.code/kind": role} if role else {})}
        seen.objects[kind, name] = {"kind": kind, "metadata": {"name": name, "labels": labels}}
    assert seen.belongings() == {
        "services": ["web"],
        "networks": ["n"],
        "secrets": ["s"],
        "configs": ["c"],
    }
