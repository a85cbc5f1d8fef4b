# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster shows of pods, as Kubernetes 1.36 writes them.

The tests hold whether it lets a rollout live or die.
"""

from __future__ import annotations

import copy
from dataclasses import replace
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
    pod_revisions,
    render,
)
from hypothesis import given, settings
from hypothesis import strategies as st

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
            "annotations": {pod_revisions.REVISION: revision},
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
    (UNSCHEDULABLE, WAITING, "no_node", 0),
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
    assert (last.name, last.slot, last.node) == (
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
    ) and "exited with code 3" in attempt.cause.text
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


def with_init(*early, role=None, main=None, **more):
    """A pod with an init container, or a sidecar, before the main one."""
    given = pod(containers=[main or waiting("PodInitializing")], **more)
    given["spec"]["initContainers"] = [
        {"name": "prep", "image": "r.example/prep:1", **({"restartPolicy": role} if role else {})}
    ]
    given["status"]["initContainerStatuses"] = list(early)
    return given


PREP = {"name": "prep"}
INIT_CRASHED = waiting("CrashLoopBackOff", restarts=2, last=terminated(3), **PREP)
SIDECAR_CRASHED = with_init(
    INIT_CRASHED, role="Always", main=container(ready=True), phase="Running"
)
# Pod, its state, the kind of its cause, how many of its attempts have failed, what is said.
INITS = [
    (
        with_init(waiting("ErrImagePull", NOT_FOUND, **PREP)),
        PREPARING,
        "image_missing",
        1,
        "prep:1",
    ),
    (with_init(waiting("ErrImagePull", NOT_FOUND, **PREP)), PREPARING, "image_missing", 1, "prep)"),
    (with_init(INIT_CRASHED), PREPARING, None, 3, "exited with code 3 (init container prep)"),
    (with_init(container(**PREP)), PREPARING, "timeout", 0, "waits for its init container prep"),
    (
        with_init(container(("terminated", terminated(0)), **PREP), main=container(ready=True)),
        RUNNING,
        None,
        0,
        "",
    ),
    (
        with_init(
            container(("terminated", terminated(0)), restarts=2, last=terminated(3), **PREP),
            main=container(ready=True),
        ),
        RUNNING,
        None,
        2,
        "exited with code 3",
    ),
    # Its sandbox was recreated, for which it runs once more.
    (with_init(container(restarts=1, last=terminated(0), **PREP)), PREPARING, "timeout", 0, ""),
    (SIDECAR_CRASHED, PREPARING, None, 3, "exited with code 3 (sidecar prep)"),
    (
        with_init(container(ready=True, **PREP), role="Always", main=container(ready=True)),
        RUNNING,
        None,
        0,
        "",
    ),
    (with_init(container(**PREP), role="Always"), PREPARING, None, 0, ""),
    (
        with_init(waiting("CreateContainerConfigError", 'secret "token" not found', **PREP)),
        PREPARING,
        "missing_object",
        0,
        "(init container prep)",
    ),
]


@pytest.mark.parametrize(("given", "expected", "kind", "failures", "says"), INITS)
def test_init_containers_and_sidecars(given, expected, kind, failures, says):
    *attempts, last = state(given).tasks
    assert (last.state, last.cause.kind if last.cause else None) == (expected, kind)
    assert len(attempts) == failures and all(attempt.failed for attempt in attempts)
    assert says in repr([task.cause for task in (*attempts, last)])


def manifest(kind, api="apps/v1", spec=None, status=None, generation=2):
    """An object of a manifest, as the cluster shows it."""
    body = copy.deepcopy(workload())
    template = body["spec"]["template"]
    body.update(
        apiVersion=api,
        kind=kind,
        spec={"template": template, "replicas": 2} if spec is None else spec,
        status=status if status is not None else {"observedGeneration": 2},
    )
    body["metadata"].update(uid=kind, generation=generation)
    body["metadata"]["annotations"]["shipping.code/service"] = "web"
    return body


def rejected(kind, message, when="2026-01-01T00:00:50Z"):
    return {**event("FailedCreate", message, uid=kind, when=when), "involvedObject": {"uid": kind}}


OVER_QUOTA = (
    'pods "web-0" is forbidden: exceeded quota: small, requested: pods=1, used: pods=0, limited:'
    " pods=0"
)
REJECTIONS = [
    ("StatefulSet", "apps/v1", f"create Pod web-0 in StatefulSet web failed error: {OVER_QUOTA}"),
    ("DaemonSet", "apps/v1", f"Error creating: {OVER_QUOTA}"),
    ("Job", "batch/v1", f"Error creating: {OVER_QUOTA}"),
]


@pytest.mark.parametrize(("kind", "api", "message"), REJECTIONS)
def test_rejections_that_only_events_show(kind, api, message):
    """They count while pods are lacking, and if they were met in this run."""
    counts = {"observedGeneration": 2, "desiredNumberScheduled": 1}
    body = manifest(kind, api, status=counts)

    def last(*pods, when="2026-01-01T00:00:50Z", begun=CLOCK - 20.0):
        seen = state(*pods, body=body, events=[rejected(kind, message, when)], begun=begun)
        return seen.tasks[-1] if seen.tasks else None

    task = last()
    assert (task.state, task.cause.kind, task.cause.patience, task.cause.room) == (
        WAITING,
        "quota",
        3.0,
        True,
    )
    assert (
        task.cause.text
        == f"cannot be created, because the namespace's quota is used up ({OVER_QUOTA})"
    )
    assert last(begun=CLOCK).cause.patience is None
    labels = {"pod-template-generation": "1"}
    later = {"creationTimestamp": "2026-01-01T00:00:55Z"}
    owned = [
        pod(f"web-{index}", owner=kind, labels=labels, metadata={**later}) for index in range(2)
    ]
    for one_pod in owned:
        one_pod["metadata"].update(later)
    assert "quota" not in repr(last(*owned))


def test_an_admission_that_comes_a_moment_later_is_waited_for():
    for message in (
        'Internal error occurred: failed calling webhook "guard.example.com": connection refused',
        'pods "web-0" is forbidden: error looking up service account a/b: serviceaccount "b" not'
        " found",
    ):
        body = manifest("StatefulSet")
        (task,) = state(body=body, events=[rejected("StatefulSet", message)]).tasks
        assert (task.cause.kind, task.cause.patience) == ("pods_rejected", 10.0)


def stateful_pod(index, revision, given=None, **metadata):
    body = copy.deepcopy(given or READY)
    body["metadata"].update(
        name=f"web-{index}",
        uid=f"uid-{index}",
        resourceVersion=f"7{index}",
        ownerReferences=[{"kind": "StatefulSet", "name": "web", "uid": "StatefulSet"}],
        labels={"controller-revision-hash": revision},
        **metadata,
    )
    return body


def stateful(strategy=None, **spec):
    template = workload()["spec"]["template"]
    return manifest(
        "StatefulSet",
        spec={"template": template, "replicas": 3, "updateStrategy": strategy or {}, **spec},
        status={"observedGeneration": 2, "updateRevision": "new", "currentRevision": "old"},
    )


NOT_READY_LONG = pod(
    containers=[container()],
    phase="Running",
    conditions=[condition("Ready", "False", since="2026-01-01T00:00:05Z")],
)
NOT_READY_YET = pod(
    containers=[container()],
    phase="Running",
    conditions=[condition("Ready", "False", since="2026-01-01T00:00:58Z")],
)
# What a StatefulSet is, its pods in order, which of them is removed.
BLOCKING = {
    "a missing image": ({}, ["old", ("bad", NO_IMAGE)], "uid-1"),
    "never ready": ({}, ["old", ("bad", NOT_READY_LONG)], "uid-1"),
    "a crash": ({}, ["old", ("bad", crashed(2))], "uid-1"),
    "no node": ({}, ["old", ("bad", UNSCHEDULABLE)], "uid-1"),
    "the first of several": ({}, ["old", ("bad", NO_IMAGE), ("bad", NO_IMAGE)], "uid-1"),
    "the first is on its way": ({}, [("new", NOT_READY_YET), ("bad", NO_IMAGE)], None),
    "only just started": ({}, ["old", ("bad", NOT_READY_YET)], None),
    "creating": ({}, ["old", ("bad", CREATING)], None),
    "of the right revision": ({}, ["old", ("new", NO_IMAGE)], None),
    "healthy": ({}, ["old", "bad", "bad"], None),
    "ended": ({}, ["old", ("bad", EVICTED)], None),
    "parallel": ({"podManagementPolicy": "Parallel"}, ["old", ("bad", NO_IMAGE)], None),
    "on delete": ({"strategy": {"type": "OnDelete"}}, ["old", ("bad", NO_IMAGE)], None),
    "below the partition": (
        {"strategy": {"rollingUpdate": {"partition": 2}}},
        ["old", ("old", NO_IMAGE)],
        None,
    ),
    "below the partition, of a release that failed": (
        {"strategy": {"rollingUpdate": {"partition": 2}}},
        ["old", ("bad", NO_IMAGE)],
        "uid-1",
    ),
    "not wanted any more": ({"replicas": 1}, ["old", ("bad", NO_IMAGE)], None),
}


@pytest.mark.parametrize(("spec", "pods", "expected"), BLOCKING.values(), ids=list(BLOCKING))
def test_which_pod_blocks_a_stateful_set(spec, pods, expected):
    named = [item if isinstance(item, tuple) else (item, READY) for item in pods]
    bodies = [stateful_pod(index, *item) for index, item in enumerate(named)]
    tasks = state(*bodies, body=stateful(**spec)).tasks
    blocking = {task.id: task.blocking for task in tasks if task.blocking}
    assert blocking == ({expected: f"7{expected[-1]}"} if expected else {})


def test_a_pod_that_is_ending_blocks_nothing():
    body = stateful_pod(0, "bad", NO_IMAGE, deletionTimestamp="2026-01-01T00:00:59Z")
    assert not any(task.blocking for task in state(body, body=stateful()).tasks)


def test_a_broken_pod_of_a_former_release_is_not_blamed_on_this_one():
    pods = [stateful_pod(0, "old"), stateful_pod(1, "bad", NO_REGISTRY)]
    assert looks(*[state(*pods, body=stateful())] * 60).cause is None


# Update strategy, the revisions of the pods in order, whether that is what was asked for.
STRATEGIES = [
    ({}, ["new", "new", "new"], True),
    ({}, ["old", "new", "new"], False),
    ({"rollingUpdate": {"partition": 1}}, ["old", "new", "new"], True),
    ({"rollingUpdate": {"partition": 1}}, ["old", "old", "new"], False),
    ({"rollingUpdate": {"partition": 9}}, ["old", "old", "old"], True),
    ({"type": "OnDelete"}, ["old", "old", "old"], True),
    ({"type": "OnDelete"}, ["new", "old", "old"], True),
]


@pytest.mark.parametrize(("strategy", "revisions", "live"), STRATEGIES)
def test_what_the_update_strategy_asks_for_is_live(strategy, revisions, live):
    pods = [stateful_pod(index, revision) for index, revision in enumerate(revisions)]
    assert looks(state(*pods, body=stateful(strategy))).live is live


def test_ordinals_that_do_not_start_with_0():
    strategy = {"rollingUpdate": {"partition": 1}}
    body = stateful(strategy, ordinals={"start": 5})
    pods = [stateful_pod(5, "old"), stateful_pod(6, "new"), stateful_pod(7, "new")]
    assert looks(state(*pods, body=body)).live


def test_a_daemon_set_on_delete_keeps_its_pods():
    mine = pod(
        containers=[container(ready=True)],
        phase="Running",
        conditions=[condition("Ready", "True")],
        owner="deployment",
        labels={"pod-template-generation": "3"},
    )
    body = daemon_set(desiredNumberScheduled=1)
    assert not looks(state(mine, body=body)).live
    body["spec"]["updateStrategy"] = {"type": "OnDelete"}
    assert looks(state(mine, body=body)).live


def test_a_daemon_set_of_manifests_may_run_nowhere():
    body = daemon_set(desiredNumberScheduled=0)
    assert looks(*[state(body=body)] * 9).cause.kind == "no_node"
    app = copy.deepcopy(one(deploy={"mode": "global"}))
    seen = observe.states(APP, found(body=body), app, 5.0)["web"]
    assert not seen.may_be_empty
    assert looks(replace(seen, may_be_empty=True)).live


def job(**status):
    return manifest("Job", "batch/v1", status=status)


def bare_pod(given, **spec):
    body = copy.deepcopy(given)
    body.update(apiVersion="v1", kind="Pod")
    body["spec"].update(spec)
    body["metadata"]["namespace"] = NAMESPACE
    body["metadata"]["annotations"] = {"shipping.code/service": "web"}
    return body


def owned(given, **spec):
    body = copy.deepcopy(given)
    body["metadata"]["ownerReferences"] = [{"kind": "Job", "name": "web", "uid": "Job"}]
    body["spec"].update(spec)
    return body


# The pod of a Job, or a bare Pod; the kind of cause, how many looks it takes, what is said.
RUN_TO_THEIR_END = [
    (NO_IMAGE, "image_missing", "image_missing", 1, "r.example/web:1"),
    (with_init(waiting("ErrImagePull", NOT_FOUND, **PREP)), *["image_missing"] * 2, 1, "prep:1"),
    (NO_SECRET, "missing_object", "missing_object", 4, "token"),
    (UNSCHEDULABLE, "no_node", "no_node", 2, "no node matches"),
    (NO_COMMAND, "start_failed", "start_failed", 1, "does not exist in the image"),
    # How often a Job tries is its own.
    (crashed(2), None, "crash", 9, "exited with code 1"),
    (with_init(INIT_CRASHED), None, "crash", 9, "exited with code 3 (init container prep)"),
    (CREATING, None, None, 60, ""),
    (NOT_READY, None, None, 60, ""),
]


@pytest.mark.parametrize(("given", "of_job", "of_pod", "count", "says"), RUN_TO_THEIR_END)
def test_what_runs_to_its_end(given, of_job, of_pod, count, says):
    for body, pods, kind in ((job(), [owned(given)], of_job), (bare_pod(given), [], of_pod)):
        seen = state(*pods, body=body)
        outcome = looks(*[seen] * count)
        assert not outcome.live and (outcome.cause.kind if outcome.cause else None) == kind
        if outcome.cause:
            assert says in outcome.cause.text
            assert outcome.task.name == given["metadata"]["name"]


def test_the_end_of_a_job_is_reported_by_its_pod():
    ended = with_init(
        container(("terminated", terminated(3)), **PREP), phase="Failed", reason="", message=""
    )
    failed = job(conditions=[condition("Failed", "True", "has reached the backoff limit")])
    (task,) = state(owned(ended), body=failed).tasks
    assert task.cause.final and task.id == "uid-web-1-a/prep/1" and task.exit_code == 3
    assert (
        "backoff limit), because its pod exited with code 3 (init container prep)"
        in task.cause.text
    )
    (task,) = state(body=bare_pod(ended)).tasks
    assert task.cause.final and task.id == "uid-web-1-a/prep/1"


def test_a_bare_pod_that_does_its_work_is_live():
    ended = container(("terminated", terminated(0, "Completed")))
    assert looks(state(body=bare_pod(pod(containers=[ended], phase="Succeeded")))).live
    assert looks(state(body=bare_pod(READY))).live
    both = pod(containers=[ended, container(name="other")], phase="Running")
    assert looks(*[state(body=bare_pod(both, restartPolicy="Never"))] * 9).cause is None


def test_a_replica_set_runs_its_pods():
    body = manifest("ReplicaSet")
    mine = [pod(name, owner="ReplicaSet") for name in ("web-a", "web-b")]
    for entry in mine:
        entry["status"] = copy.deepcopy(READY["status"])
    assert looks(state(*mine, body=body)).live
    assert not looks(state(mine[0], body=body)).live
    broken = copy.deepcopy(NO_IMAGE)
    broken["metadata"]["ownerReferences"] = [{"kind": "ReplicaSet", "uid": "ReplicaSet"}]
    assert looks(state(broken, body=body)).cause.kind == "image_missing"


def test_a_replica_set_of_a_deployment_is_no_service():
    """The controller copies the Deployment's notes onto it."""
    deployment = workload()
    copied = {**copy.deepcopy(deployment), "kind": "ReplicaSet"}
    copied["metadata"]["ownerReferences"] = [{"uid": "deployment", "controller": True}]
    copied["metadata"]["annotations"]["shipping.code/service"] = "web"
    seen = observe.Snapshot(observe.own(APP, NAMESPACE, [deployment, copied]))
    assert seen.workloads == {"web": deployment}


def test_a_kind_of_the_same_name_in_another_group():
    body = manifest("Deployment", "example.org/v1", spec="small", status="Ready")
    seen = state(body=body)
    assert seen.passive and looks(seen).live


def test_a_look_from_before_the_write_shows_nothing_of_an_object():
    body = manifest("Gizmo", "example.org/v1", spec={}, status={})
    assert looks(state(body=body)).live and not looks(state(body=body, applied={"web": 3})).live


MAYBE = st.sampled_from(["", "x", "2026-01-01T00:00:05Z"])
TIME = st.sampled_from([None, "2026-01-01T00:00:05Z", "0001-01-01T00:00:00Z"])
ENDED_STATE = st.fixed_dictionaries(
    {"exitCode": st.integers(-1, 300)},
    optional={"reason": st.text(max_size=5), "message": st.text(max_size=5), "finishedAt": TIME},
)
CONTAINER_STATE = st.fixed_dictionaries(
    {},
    optional={
        "waiting": st.fixed_dictionaries(
            {},
            optional={
                "reason": st.sampled_from(["CrashLoopBackOff", "ErrImagePull", "RunContainerError"])
                | st.text(max_size=5),
                "message": st.text(max_size=9),
            },
        ),
        "running": st.fixed_dictionaries({}, optional={"startedAt": TIME}),
        "terminated": ENDED_STATE,
    },
)
CONTAINER_STATUS = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["web", "prep", "stranger"]),
        "ready": st.booleans(),
        "restartCount": st.integers(0, 4),
        "image": MAYBE,
        "imageID": MAYBE,
        "state": CONTAINER_STATE,
        "lastState": CONTAINER_STATE,
    }
)
CONDITION = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["Ready", "PodScheduled", "ReplicaFailure", "Failed", "Other"]),
        "status": st.sampled_from(["True", "False", "Unknown"]),
    },
    optional={"message": st.text(max_size=9), "reason": MAYBE, "lastTransitionTime": TIME},
)
POD_STATUS = st.fixed_dictionaries(
    {},
    optional={
        "phase": st.sampled_from(["Pending", "Running", "Succeeded", "Failed", "Unknown"]),
        "conditions": st.lists(CONDITION, max_size=3),
        "containerStatuses": st.lists(CONTAINER_STATUS, max_size=2),
        "initContainerStatuses": st.lists(CONTAINER_STATUS, max_size=2),
        "startTime": TIME,
        "reason": MAYBE,
        "message": MAYBE,
    },
)
EVENT_SHAPE = st.fixed_dictionaries(
    {"involvedObject": st.fixed_dictionaries({}, optional={"uid": st.just("uid-web-0")})},
    optional={
        "reason": st.sampled_from(["FailedMount", "FailedCreate", "FailedCreatePodSandBox"]),
        "message": st.text(max_size=9),
        "lastTimestamp": TIME,
        "eventTime": TIME,
        "firstTimestamp": TIME,
        "series": st.none() | st.fixed_dictionaries({"lastObservedTime": TIME}),
    },
)
SHOWN_BY = ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "Pod", "Service"]


@settings(max_examples=100)
@given(
    kind=st.sampled_from(SHOWN_BY),
    status=POD_STATUS,
    of_pod=POD_STATUS,
    events=st.lists(EVENT_SHAPE, max_size=3),
    node=st.booleans(),
)
def test_shapes_that_the_api_allows(kind, status, of_pod, events, node):
    """A field that may be absent is absent at times; each look comes to a health all the same."""
    api = {"Job": "batch/v1", "Pod": "v1", "Service": "v1"}.get(kind, "apps/v1")
    body = manifest(kind, api, status={**status, "updateRevision": "new", "observedGeneration": 2})
    mine = stateful_pod(0, "old", pod(node="a" if node else ""))
    mine["metadata"]["ownerReferences"][0]["uid"] = kind
    mine["spec"]["initContainers"] = [{"name": "prep"}]
    mine["status"] = of_pod
    if kind == "Pod":
        mine["metadata"] = {**mine["metadata"], "labels": body["metadata"]["labels"]}
        mine["metadata"].pop("ownerReferences")
        body = bare_pod(mine)
    health = looks(*[state(mine, body=body, events=events)] * 3)
    assert health.cause is None or health.cause.text


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
    ([crashed(2)], 1, "crash", "exited with code 1 (3 times)"),
    (
        [pod(containers=[container(restarts=3, last=terminated(9))], phase="Running")],
        1,
        "crash",
        "exited with code 9 (3 times)",
    ),
    ([OUT_OF_MEMORY], 9, None, ""),
    ([crashed(2, code=137, reason="OOMKilled")], 1, "killed_for_memory", "memory"),
    ([NO_IMAGE], 1, "image_missing", "has no r.example/web:1"),
    ([NO_COMMAND], 1, "start_failed", "does not exist in the image"),
    ([UNSCHEDULABLE], 1, None, ""),
    ([UNSCHEDULABLE], 2, "no_node", "no node matches its placement"),
    ([UNSCHEDULABLE, GOING], 2, "no_node", "no node matches"),
    ([NO_MEMORY], 3, None, ""),
    ([NO_MEMORY], 4, "no_resources", "CPU, memory or devices"),
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
