# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of failure of a release, with their meaning and their hint.

The page of messages in the documentation is generated from this table, and ``failures[].kind`` of
a module's result has one of its keys.
"""

from __future__ import annotations

from typing import NamedTuple


class FailureKind(NamedTuple):
    """One kind of failure: what it means, and the imperative that mends it.

    ``hint`` has no full stop: a message adds one. ``more`` is only for the documentation. Code in
    ``meaning`` and ``more`` is in single backticks.
    """

    meaning: str
    hint: str = ""
    more: str = ""


FAILURE_KINDS = {
    "canary": FailureKind(
        "A check of a canary found harm, or its deadline has passed without a decision.",
        "Fix the new version, or change the checks of the canary, then deploy again",
    ),
    "image_missing": FailureKind(
        "The registry does not have the image.",
        "Build and push the image, or correct the reference",
        "Query the registry as the engine does: `docker manifest inspect IMAGE`.",
    ),
    "image_denied": FailureKind(
        "The registry denies access to the image: it requires credentials, or other ones.",
        "Log in to the registry, or set registry_auths",
        "The guide on registries lists where credentials are read from.",
    ),
    "registry_unreachable": FailureKind(
        "The registry does not answer.",
        "Check the registry's address and that the nodes reach it",
        "A Docker Engine queries the registry itself, so test from the manager. If the message has"
        " `server gave HTTP response to HTTPS client`, the registry has no TLS: list it under"
        " `insecure-registries` of the engine. For a cluster, the module queries the registry from"
        " the host that it runs on, and later each node does. List a registry without TLS under"
        " `insecure_registries` of the task and in the configuration of the nodes' container"
        " runtime. If only the nodes reach the registry, set `resolve_image: never`.",
    ),
    "image_unavailable": FailureKind(
        "The registry has the image, and the node could not pull it.",
        "Check that the registry has the image and that the nodes may pull it",
        "The log of the node's engine shows the cause, such as a full disk, a missing route or a"
        " proxy.",
    ),
    "image_local": FailureKind(
        "The image exists on one node only, and several nodes may run the service.",
        "Push the image to a registry, or set resolve_image: never",
        "With `resolve_image: never` each node needs its own copy.",
    ),
    "start_failed": FailureKind(
        "The container cannot start: the command, the user or the working directory does not exist"
        " in the image, or the command is not executable.",
        "Correct the command, the user or the working directory",
        "The runtime's message is in parentheses.",
    ),
    "not_started": FailureKind(
        "The engine could not start the container, for a cause that this collection does not know.",
        "Correct what the message names; the engine's log on the node may show more",
        "The engine's message is in parentheses.",
    ),
    "network_failed": FailureKind(
        "The node could not join the replica to its networks.",
        "Inspect the network on that node: restart its engine, which removes stale interfaces, or"
        " correct what the message names",
        "An engine that was killed leaves `error creating vxlan interface: file exists` and"
        " `network sandbox join failed`. Restart the engine of that node, or remove the stale"
        " interface (`ip -d link show type vxlan`). `Address already in use` without a port means"
        " that an address of the network is assigned twice. The failure counts when it repeats"
        " `max_crashes` times.",
    ),
    "disk_full": FailureKind(
        "The disk of the node is full.",
        "Free disk space on the node, for example with docker system prune",
    ),
    "volume_differs": FailureKind(
        "The node has a volume of that name with another driver. A volume never changes.",
        "Give the volume another name, or remove the existing one by hand once nothing uses it",
    ),
    "logging_failed": FailureKind(
        "The log driver does not reach the address in `logging.options`, or does not have one of"
        " the options.",
        "Correct logging, or start the receiver of the log",
    ),
    "limit_rejected": FailureKind(
        "`deploy.resources.limits` sets more CPUs than the node has, or less memory than its"
        " engine allows.",
        "Correct deploy.resources.limits, or choose nodes that have as much",
    ),
    "setting_rejected": FailureKind(
        "The node's kernel or its engine rejects a setting: a sysctl, a ulimit, a capability, a"
        " host name or a stop signal. The message names it.",
        "Correct the setting that the message names, such as sysctls, ulimits, cap_add or hostname",
    ),
    "engine_slow": FailureKind(
        "The engine did not start the container before its own timeout.",
        "Check the node's load and the log of its engine",
    ),
    "node_unavailable": FailureKind(
        "Every node that may run the service is down or drained (`docker node ls`).",
        "Start the engine of the node, or set the node active: docker node update",
        "The run waits 15 seconds for an engine that restarts.",
    ),
    "sandbox_failed": FailureKind(
        "The node could not create the pod's network or its first container.",
        "Check the node's container runtime and network plugin",
        "The runtime's message is in parentheses; `kubectl describe pod` lists the events. The"
        " run waits for a runtime that restarts, as in an upgrade.",
    ),
    "mount_failed": FailureKind(
        "A bind-mounted path does not exist, or a volume cannot be mounted.",
        "Create the directory on every node that may run the service, or check the volume's driver"
        " and options",
        "A volume or an entry under `configs` needs no directory on the nodes. The server of a"
        " volume must answer the node.",
    ),
    "crash": FailureKind(
        "The program exited with an error.",
        "Fix the application or its settings, then deploy again",
        "The message has the last lines of the log, `failures[].logs` has more of them, and `docker"
        " service logs` or `kubectl logs --previous` shows all. `(3 times)` means that the replica"
        " was restarted as often as `max_crashes` allows. Exit code 137 is a kill from outside, 143"
        " an end by TERM; with 126 and 127 the command cannot run. If a pod has several containers,"
        " the message names the container, such as `(init container prep)`.",
    ),
    "ended": FailureKind(
        "The program exited with code 0.",
        "Keep the program in the foreground, since a service must keep running, or set deploy.mode:"
        " replicated-job if it should end",
        "The guide on releases describes jobs.",
    ),
    "unhealthy": FailureKind(
        "The health check failed as often as it may.",
        "Fix the application or its health check, then deploy again",
        "The message has the output of the check. Let the check print why it fails; try it with"
        " `docker exec` or `kubectl exec`.",
    ),
    "never_healthy": FailureKind(
        "The health check did not pass before the timeout, and did not fail often enough to count.",
        "Give the service more time with start_period or rollout_timeout, or correct the health"
        " check",
    ),
    "no_node": FailureKind(
        "No node matches the placement. The message has the constraints.",
        "Label a node accordingly, or correct deploy.placement",
        "`docker node ls`, `docker node inspect NODE` and `kubectl get nodes --show-labels` list"
        " the labels. To label a node, run `docker node update --label-add gpu=yes NODE` or"
        " `kubectl label node NODE gpu=yes`. The scheduler's message names a taint that the pods do"
        " not tolerate.",
    ),
    "no_resources": FailureKind(
        "No node has the CPU, memory or devices that the service reserves.",
        "Lower deploy.resources.reservations, or add a node",
        "Reservations count, not usage. A `start-first` update needs room for one more replica. A"
        " node has the devices that its engine's `node-generic-resources` or a device plugin"
        " names.",
    ),
    "wrong_architecture": FailureKind(
        "The image is built for another architecture than the nodes have, or no node has the one"
        " in `platform`.",
        "Build the image for the nodes' architecture, or correct platform",
    ),
    "missing_plugin": FailureKind(
        "No node has the volume, network or log driver that the service needs.",
        "Install the plugin on the nodes, or choose another driver",
        "`docker info` lists the drivers under Plugins.",
    ),
    "port_taken": FailureKind(
        "The port is in use on every node that may run the service, by another service or by a"
        " program outside the platform.",
        "Free the port, or publish another one",
        "To see which program uses it, run `ss -ltnp` on the node. The run waits for a replica that"
        " is being stopped, also for one of another service of the app.",
    ),
    "killed_for_memory": FailureKind(
        "The container exceeded its memory limit and was killed.",
        "Raise the memory limit, or let the application use less",
        "Only the engine of the node knows this for certain. If the run is connected to another"
        " engine, the message has `probably` and names the node to inspect.",
    ),
    "missing_object": FailureKind(
        "A Secret or ConfigMap that the pod needs does not exist. It was removed, or an external"
        " one has another name.",
        "Create the object, or correct its name in the spec",
        "Deploying the version again creates the app's own objects.",
    ),
    "no_volume": FailureKind(
        "The volume cannot be provisioned: no storage class provides it, or the claim requests more"
        " than is available.",
        "Check the storage class and the claim, or create a volume",
        "See `kubectl describe pvc`. The scheduler's message is in parentheses.",
    ),
    "quota": FailureKind(
        "The namespace's quota is used up.",
        "Raise the namespace's quota, or let the services reserve less",
        "A `start-first` update needs room for the new pods beside the old ones; a `stop-first`"
        " update does not.",
    ),
    "pods_rejected": FailureKind(
        "An admission policy or webhook rejects the pods.",
        "Correct what the message names, or the policy of the cluster",
        "Its message is in parentheses. A rejection of the workload itself is reported before"
        " anything is changed.",
    ),
    "evicted": FailureKind(
        "The node ran short of memory or disk, or was drained, and evicted the pod.",
        "Reserve what the service needs, or check the node",
    ),
    "object_failed": FailureKind(
        "An object of the manifests reports that it failed, such as a Job.",
        "Correct what its controller reports, then deploy again",
        "The message has what the object reports and the last lines of its pod.",
    ),
    "engine_paused": FailureKind(
        "The engine paused the update, and no failed replica shows the cause.",
        "Check docker service ps --no-trunc, then deploy again",
    ),
    "engine_rolled_back": FailureKind(
        "The engine rolled the update back (`failure_action: rollback`), and no failed replica"
        " shows the cause.",
        "Check docker service ps --no-trunc, then deploy again",
    ),
    "timeout": FailureKind(
        "The service was not up before the timeout. The message names what it waited for.",
        "Raise rollout_timeout if the service only needs longer",
    ),
    "rejected": FailureKind(
        "The engine or the API server rejects a service as it is described. Its message is shown"
        " without the values that were sent.",
    ),
}


def hint(kind: str) -> str:
    """Return the hint for a kind of failure; empty for an unknown kind."""
    return FAILURE_KINDS[kind].hint if kind in FAILURE_KINDS else ""
