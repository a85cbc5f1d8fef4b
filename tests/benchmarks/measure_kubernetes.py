# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shipping services to a Kubernetes: this collection, and what else does it.

Each contender has a namespace of its own.
"""

from __future__ import annotations

import http.client
import json
import re
import shlex
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from ansible_collections.shipping.code.plugins.module_utils._compose import model as composing
from ansible_collections.shipping.code.plugins.module_utils._deploy.resolution import (
    Resolutions,
    resolve,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes import render
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.support import (
    SUPPORT,
)

from tests.testbed import kubernetes_images as images
from tests.testbed.downloaded_parts import programs
from tests.testbed.kubernetes_bed import KubernetesBed
from tests.testbed.machine import Machine

from .failures import FailureCase, measure_failure
from .measure import (
    Contender,
    Results,
    Runs,
    add,
    compare,
    play,
    run_once,
)
from .measure_swarm import compose

OURS, LOOP, ONE = (
    "shipping.code.release",
    "kubernetes.core.k8s, looped",
    "kubernetes.core.k8s, one task",
)
WAITING, CLI, EMPTY = (
    "kubernetes.core.k8s, one task, wait",
    "kubectl apply --server-side",
    "an empty play",
)
# The floor of a first release; and what a change takes without other services in the app.
FLOOR, SINGLE = (
    "kubectl apply, then rollout status of all",
    "shipping.code.release, one service",
)
SIDE_BY_SIDE = (OURS, LOOP, ONE, WAITING, CLI, EMPTY)
# Those that are measured one by one; a looped module takes minutes for what the others do in
# seconds.
ALONE = (OURS, FLOOR, ONE, CLI)
PLACES = {
    OURS: "ours",
    LOOP: "loop",
    ONE: "one",
    WAITING: "waiting",
    CLI: "client",
    FLOOR: "floor",
    SINGLE: "single",
}
MACHINE = "an image that no registry has, seen by the node"
PEER = "what the peer prints"
PATIENCE = 30
_PULL = ("ErrImagePull", "ImagePullBackOff")
_EVENTS = ("Failed", "FailedScheduling")


@dataclass(frozen=True)
class Rounds:
    """The number of runs of each phase."""

    first: int
    quiet: int
    changed: int


SIZES = {20: Rounds(2, 3, 3), 100: Rounds(2, 3, 3)}
QUICK = {2: Rounds(1, 1, 1), 3: Rounds(1, 1, 1)}


def failures(registry: str) -> dict[str, FailureCase]:
    """Return what is tried; a program has to end three times until that is more than bad luck."""
    image = f"{registry}/no-such-image:1"
    return {
        "an image that no registry has, seen by the plan": FailureCase(
            {"image": image}, "has no", at_once=True
        ),
        MACHINE: FailureCase({"image": image}, "has no", "never"),
        "a program that ends at once, from its third end": FailureCase(
            {"command": ["sh", "-c", "exit 3"]}, "exited with code 3", ends=3
        ),
        "no node that matches": FailureCase(
            {"deploy": {"placement": {"constraints": ["node.labels.gpu == yes"]}}},
            "no node matches",
        ),
    }


def objects(app: str, content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what this collection makes of an app, without the notes that it needs for itself."""
    read = composing.read(content, SUPPORT)
    resolved = resolve(render.naming(app), read, Resolutions({}, {"secrets": {}, "configs": {}}))
    resolved = replace(
        resolved,
        services={
            name: {**service, "security": "auto"} for name, service in resolved.services.items()
        },
    )
    bodies = [*render.policies(app, resolved)]
    for name in resolved.services:
        bodies.extend(render.of_service(app, name, resolved))
    for body in bodies:
        del body["metadata"]["annotations"]
    return list(json.loads(json.dumps(bodies).replace("shipping.code", "bench.example")))


class KubernetesBench:
    """A cluster of its own, and the contenders."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = environment
        self.services = 20
        self.cluster = KubernetesBed(Machine("bench-k8s"))

    def up(self) -> None:
        """Start from nothing."""
        programs(tell=lambda line: print(line, flush=True))
        self.cluster.machine.down()
        self.cluster = KubernetesBed(Machine("bench-k8s"))
        self.cluster.up()
        self.cluster.registry()
        images.publish_tool(self.cluster)

    def down(self) -> None:
        """Remove it."""
        self.cluster.down()

    def clear(self) -> None:
        """Remove all namespaces, wait until their pods are removed, and create them again."""
        names = list(PLACES.values())
        self.cluster.kubectl("delete", "namespace", "--ignore-not-found", "--wait", *names)
        for name in names:
            self.cluster.kubectl("create", "namespace", name)
        for name in names:
            _until(lambda name=name: self._has_account(name))  # type: ignore[misc]

    def _has_account(self, namespace: str) -> bool:
        return (
            self.cluster.ask("GET", f"/api/v1/namespaces/{namespace}/serviceaccounts/default")[0]
            == 200
        )

    def compose(self, services: int, value: str) -> dict[str, Any]:
        """Return the same app as on a Swarm."""
        return compose(services, value, self.cluster.image("tool:1"))

    def release(self, name: str, content: dict[str, Any], **options: Any) -> list[str | Path]:
        """One task."""
        path = self.folder / f"{name}-compose.json"
        path.write_text(json.dumps(content))
        given = {
            "app": "ours",
            "platform": "kubernetes",
            "namespace": PLACES[OURS],
            "compose": str(path),
            "kubeconfig": str(self.cluster.kubeconfig),
            "insecure_registries": [self.cluster.registry_address],
            "monitor": 0.1,
        }
        return play(self.folder, name, [{"shipping.code.release": {**given, **options}}])

    def ours(self, services: int, value: str) -> list[str | Path]:
        """Return this collection."""
        return self.release("ours", self.compose(services, value), version=value)

    def single(self, _services: int, value: str) -> list[str | Path]:
        """Return this collection with an app of one service."""
        place = {"app": "single", "namespace": PLACES[SINGLE]}
        return self.release("single", self.compose(1, value), version=value, **place)

    def loop_play(self, services: int, value: str) -> list[str | Path]:
        """One task, with a loop over the objects."""
        options = {
            "definition": "{{ item }}",
            "namespace": PLACES[LOOP],
            "kubeconfig": str(self.cluster.kubeconfig),
        }
        items = objects(PLACES[LOOP], self.compose(services, value))
        label = {"label": "{{ item.metadata.name }}"}
        return play(
            self.folder,
            "loop",
            [{"kubernetes.core.k8s": options, "loop": items, "loop_control": label}],
        )

    def apply_play(self, name: str, content: dict[str, Any], **options: Any) -> list[str | Path]:
        """One task with all objects and server-side apply."""
        given = {
            "resource_definition": objects(PLACES[name], content),
            "namespace": PLACES[name],
            "kubeconfig": str(self.cluster.kubeconfig),
            "apply": True,
            "server_side_apply": {"field_manager": "bench"},
        }
        return play(self.folder, PLACES[name], [{"kubernetes.core.k8s": {**given, **options}}])

    def one(self, services: int, value: str) -> list[str | Path]:
        """As it comes: it does not wait."""
        return self.apply_play(ONE, self.compose(services, value))

    def waiting(self, services: int, value: str) -> list[str | Path]:
        """As it waits for each object in turn."""
        return self.apply_play(WAITING, self.compose(services, value), wait=True)

    def client(self, services: int, value: str) -> list[str | Path]:
        """Return the client alone."""
        path = self._list(CLI, services, value)
        words = ("apply", "--server-side", "--field-manager=bench", "--filename", path)
        return [*self._kubectl(CLI), *words]

    def floor(self, services: int, value: str) -> list[str | Path]:
        """Return the client that applies all and waits for all."""
        client = shlex.join(map(str, self._kubectl(FLOOR)))
        path = shlex.quote(str(self._list(FLOOR, services, value)))
        names = " ".join(f"deployment/s{number}" for number in range(services))
        script = f"{client} apply --filename {path} && {client} rollout status {names}"
        return ["sh", "-c", script]

    def _kubectl(self, name: str) -> list[str | Path]:
        client = programs()["kubectl"]
        return [client, "--kubeconfig", self.cluster.kubeconfig, "--namespace", PLACES[name]]

    def _list(self, name: str, services: int, value: str) -> Path:
        """Write the objects into a file for a client."""
        path = self.folder / f"{PLACES[name]}-objects.json"
        items = objects(PLACES[name], self.compose(services, value))
        path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        return path

    def empty(self, services: int, value: str) -> list[str | Path]:
        """Return what Ansible itself takes."""
        return play(self.folder, "empty", [])

    @property
    def contenders(self) -> list[Contender]:
        """Those that are measured side by side."""
        return [
            Contender(OURS, self.ours),
            Contender(LOOP, self.loop_play),
            Contender(ONE, self.one),
            Contender(WAITING, self.waiting),
            Contender(CLI, self.client, counts=False),
            Contender(EMPTY, self.empty, counts=False),
            Contender(FLOOR, self.floor, counts=False),
            Contender(SINGLE, self.single),
        ]

    def finish(self, contender: Contender) -> None:
        """Let the cluster end what a contender only began, so that it does not slow the next."""
        if contender.name in PLACES:
            _until(lambda: self._is_settled(PLACES[contender.name]))

    def _is_settled(self, namespace: str) -> bool:
        """Return whether all pods are ready, and as many as there are services."""
        pods = self.cluster.ask("GET", f"/api/v1/namespaces/{namespace}/pods")[1]["items"]
        workloads = self.cluster.ask("GET", f"/apis/apps/v1/namespaces/{namespace}/deployments")[1][
            "items"
        ]
        seen = all(
            body["status"].get("observedGeneration") == body["metadata"]["generation"]
            for body in workloads
        )
        current = all(
            body["status"].get("updatedReplicas") == 1 == body["status"].get("replicas")
            for body in workloads
        )
        return (
            seen and current and len(pods) == len(workloads) and all(_is_ready(pod) for pod in pods)
        )

    def failing_release(self, change: dict[str, Any], **options: Any) -> list[str | Path]:
        """Return a release whose first service is changed to something that cannot be."""
        return self.release("bad", self._failing_content(change), version="bad", **options)

    def _failing_content(self, change: dict[str, Any]) -> dict[str, Any]:
        content = self.compose(self.services, "first")
        content["services"]["s0"].update(change)
        return content

    def sign(self, failure: FailureCase) -> KubernetesSign:
        """Return the API's first sign of it."""
        return KubernetesSign(self.cluster, PLACES[OURS], failure.ends)

    def recover(self) -> None:
        """Wait until the former pods are alone again."""
        _until(lambda: self._is_settled(PLACES[OURS]))

    def peer(self, failure: FailureCase) -> Runs:
        """Return what the peer prints for the same when it is to wait, and after how long."""
        runs = Runs()
        contender = Contender(
            WAITING,
            lambda _n, _v: self.apply_play(
                WAITING, self._failing_content(failure.change), wait=True, wait_timeout=PATIENCE
            ),
            expect=2,
        )
        printed = run_once(self, contender, self.services, "bad", runs)
        found = re.search(r'"msg": ("(?:[^"\\]|\\.)*")', printed)
        runs.said = json.loads(found[1]) if found else printed.strip().splitlines()[-1]
        return runs


def _is_ready(pod: Mapping[str, Any]) -> bool:
    conditions = pod["status"].get("conditions", ())
    return "deletionTimestamp" not in pod["metadata"] and any(
        entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions
    )


def _until(condition: Callable[[], bool], patience: float = 300) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError("the cluster does not become idle")
        time.sleep(0.5)


class KubernetesSign:
    """Watches for the first sign of a failure.

    An event of a failed pull or placing, or the status of a new pod that shows it.
    """

    def __init__(self, cluster: KubernetesBed, namespace: str, ends: int) -> None:
        self.cluster = cluster
        self.ends = ends
        self.seen = 0.0
        self._path = f"/api/v1/namespaces/{namespace}"
        self._connections: list[http.client.HTTPSConnection] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> KubernetesSign:
        for kind, says in (("pods", self._of_pod), ("events", self._of_event)):
            version = self.cluster.ask("GET", f"{self._path}/{kind}?limit=1")[1]["metadata"][
                "resourceVersion"
            ]
            stream = self._open(
                f"{self._path}/{kind}?{urlencode({'watch': 'true', 'resourceVersion': version})}"
            )
            self._threads.append(
                threading.Thread(target=self._look_on, args=(stream, says), daemon=True)
            )
            self._threads[-1].start()
        return self

    def __exit__(self, *_unused: object) -> None:
        for connection in self._connections:
            if connection.sock:
                with suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _open(self, path: str) -> http.client.HTTPResponse:
        context = ssl.create_default_context(cafile=str(self.cluster.ca))
        connection = http.client.HTTPSConnection(self.cluster.address, 6443, context=context)
        connection.request("GET", path, headers={"Authorization": f"Bearer {self.cluster.token()}"})
        self._connections.append(connection)
        return connection.getresponse()

    def _look_on(
        self, stream: http.client.HTTPResponse, says: Callable[[Mapping[str, Any]], bool]
    ) -> None:
        for body in _bodies(stream):
            if says(body) and not self.seen:
                self.seen = time.time()

    def _of_event(self, body: Mapping[str, Any]) -> bool:
        return self.ends == 1 and body.get("type") == "Warning" and body.get("reason") in _EVENTS

    def _of_pod(self, body: Mapping[str, Any]) -> bool:
        if "deletionTimestamp" in body["metadata"]:
            return False
        status = body["status"]
        unplaced = any(
            entry["type"] == "PodScheduled" and entry["status"] == "False"
            for entry in status.get("conditions", ())
        )
        return unplaced or any(
            self._fails(container) for container in status.get("containerStatuses", ())
        )

    def _fails(self, container: Mapping[str, Any]) -> bool:
        state = container.get("state", {})
        reason = state.get("waiting", {}).get("reason")
        ended = "terminated" in state or reason == "CrashLoopBackOff"
        return reason in _PULL or container["restartCount"] + ended >= self.ends


def _bodies(stream: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    """Yield the objects of a watch, until its connection is closed."""
    with suppress(OSError, http.client.HTTPException, ValueError):
        for line in stream:
            yield json.loads(line)["object"]


def measure(bench: KubernetesBench, sizes: Mapping[int, Rounds]) -> Results:
    """All phases, by their name and number of services.

    The first size is for all side by side, others for one after the other.
    """
    results: Results = {}
    (services, rounds), *others = sizes.items()
    bench.services = services
    print(f"Kubernetes, {services} services, from nothing", flush=True)
    for _round in range(rounds.first):
        bench.clear()
        add(results, f"{services} first", compare(bench, services, ["first"], SIDE_BY_SIDE))
    print(f"Kubernetes, {services} services, no changes", flush=True)
    quiet = (OURS, LOOP, ONE, CLI, EMPTY)
    results[f"{services} no changes"] = compare(
        bench, services, ["first"] * rounds.quiet, quiet, says="changed=0"
    )
    print(f"Kubernetes, {services} services, one changed", flush=True)
    values = [f"value {number}" for number in range(rounds.changed)]
    results[f"{services} one changed"] = compare(
        bench, services, values, SIDE_BY_SIDE, says="changed=1"
    )
    compare(bench, services, ["first"], (OURS,))
    for name, failure in failures(bench.cluster.registry_address).items():
        print(f"Kubernetes, {name}", flush=True)
        results[name] = {"told": measure_failure(bench, failure, rounds.first)}
        if name == MACHINE:
            results[PEER] = {WAITING: bench.peer(failure)}
    for number, times in others:
        _one_by_one(bench, number, times, results)
    return results


def _one_by_one(bench: KubernetesBench, services: int, rounds: Rounds, results: Results) -> None:
    """So many services that the node has room for the pods of one contender only."""
    for name in ALONE:
        print(f"Kubernetes, {services} services, {name}", flush=True)
        for _round in range(rounds.first):
            bench.clear()
            add(results, f"{services} first", compare(bench, services, ["first"], (name, EMPTY)))
        add(
            results,
            f"{services} no changes",
            compare(bench, services, ["first"] * rounds.quiet, (name, EMPTY), says="changed=0"),
        )
        values = [f"value {number}" for number in range(rounds.changed)]
        beside = [name, EMPTY]
        if name == OURS:
            compare(bench, services, ["first"], (SINGLE,))
            beside.append(SINGLE)
        add(
            results,
            f"{services} one changed",
            compare(bench, services, values, beside, says="changed=1"),
        )
    bench.clear()
