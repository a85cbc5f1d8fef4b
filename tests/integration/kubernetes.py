# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Kubernetes cluster as the rollout suite sees it. Each app has a namespace of its own, by its name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.testbed import kubernetes_images as images
from tests.testbed.client import Client
from tests.testbed.kubernetes import Cluster
from tests.testbed.swarm import PASSWORD, USER

APP, SERVICE = "shipping.code/app", "shipping.code/service"


@dataclass
class KubernetesPlatform:
    """What the suite needs of a platform besides the modules under test."""

    cluster: Cluster
    name: str = "kubernetes"

    @property
    def options(self) -> dict[str, Any]:
        """How the modules reach it."""
        return {"platform": "kubernetes", "kubeconfig": str(self.cluster.kubeconfig), "insecure_registries": list(self._registries)}

    @property
    def _registries(self) -> tuple[str, str]:
        return self.cluster.registry_address, self.cluster.private_registry_address

    @property
    def registry(self) -> str:
        """The open registry."""
        return self.cluster.registry_address

    def image(self, name: str, private: bool = False) -> str:
        """The reference of an image in the platform's registry."""
        return self.cluster.image(name, private)

    @property
    def credentials(self) -> dict[str, str]:
        """What lets one into the private registry."""
        return {"registry": self.cluster.private_registry_address, "username": USER, "password": PASSWORD}

    def task(self, service: str) -> str:
        """How a task of a service begins to be called."""
        return f"task {service}-"

    def client(self, port: int) -> Client:
        """A user who asks a service on a port of its machine."""
        return Client(f"http://{self.cluster.address}:{port}/")

    def kubectl(self, app: str, *words: Any, **options: Any) -> str:
        """kubectl in the namespace of an app."""
        return self.cluster.kubectl("--namespace", app, *words, **options)

    def found(self, app: str, kinds: str, selector: str = "") -> list[dict[str, Any]]:
        """Objects of an app's namespace."""
        found: dict[str, Any] = json.loads(self.kubectl(app, "get", kinds, "--output=json", *(["--selector", selector] if selector else [])))
        return list(found["items"])

    def services(self, app: str) -> dict[str, dict[str, Any]]:
        """The app's workloads by their names in the spec."""
        return {body["metadata"]["name"]: body for body in self.found(app, "deployments,daemonsets")}

    def running(self, app: str) -> dict[str, set[str]]:
        """The ids of the pods that run, by service."""
        result: dict[str, set[str]] = {name: set() for name in self.services(app)}
        for pod in self.found(app, "pods"):
            name = pod["metadata"]["labels"].get(SERVICE) or pod["metadata"]["name"].rsplit("-", 2)[0]
            if pod["status"].get("phase") == "Running" and "deletionTimestamp" not in pod["metadata"]:
                result.setdefault(name, set()).add(pod["metadata"]["uid"])
        return result

    def versions(self, app: str) -> dict[str, Any]:
        """For each service what changes with every write of it."""
        return {name: (body["metadata"]["generation"], body["metadata"]["annotations"]) for name, body in self.services(app).items()}

    def records(self, app: str) -> list[dict[str, str]]:
        """What the history says of each release, the newest first: number, version, state, reason."""
        found = self.found(app, "secrets", "shipping.code/kind=release")
        records = [{key.removeprefix("shipping.code/"): value for key, value in body["metadata"]["annotations"].items()} for body in found]
        return sorted(({**record, "number": record["release"]} for record in records), key=lambda record: -int(record["number"]))

    def occupy(self, port: int) -> None:
        """Let something outside the platform listen on a port of its machine."""
        if self.cluster.machine.pid(f"port-{port}") is None:
            self.cluster.machine.start(f"port-{port}", f"python3 -m http.server {port}", isolated=False)

    def remove_service(self, app: str, name: str) -> None:
        """Remove a service by hand."""
        self.kubectl(app, "delete", "deployment", name)

    def labels(self, app: str, name: str) -> dict[str, str]:
        """The labels of a service."""
        return dict(self.services(app)[name]["metadata"].get("labels") or {})

    def environment(self, app: str, name: str) -> dict[str, str]:
        """What a pod of the service finds in its environment."""
        raw = self.exec(app, name, "env", "-0")
        return dict(entry.partition("=")[::2] for entry in raw.split("\0") if entry)

    def exec(self, app: str, name: str, *command: str) -> str:
        """What a command in a pod of the service prints."""
        pods = [
            pod["metadata"]["name"]
            for pod in self.found(app, "pods", f"{SERVICE}={name}")
            if "deletionTimestamp" not in pod["metadata"] and pod["status"].get("phase") == "Running"
        ]
        return self.kubectl(app, "exec", pods[0], "--", *command)

    def objects(self, kind: str, app: str = "") -> set[str]:
        """The names of all objects of a kind: secret, config, network, service, volume."""
        plural = {"config": "configmaps", "network": "networkpolicies", "service": "deployments", "volume": "persistentvolumeclaims"}
        return {body["metadata"]["name"] for body in self.found(app, plural.get(kind, f"{kind}s"))}

    def label_machine(self, *labels: str) -> None:
        """Give the machine labels that placements ask for."""
        self.cluster.kubectl("label", "node", self.cluster.node, "--overwrite", *labels)

    def publish(self, reference: str, dockerfile: str, push: bool = True) -> None:
        """Build an image and push it."""
        images.publish(self.cluster, reference, dockerfile)

    def drop_image(self, reference: str) -> None:
        """Let the machine lose an image."""
        self.cluster.drop_image(reference)

    def everything(self, app: str) -> str:
        """All that the platform tells of its objects to whom may read them, but for what is inside Secrets."""
        kinds = "deployments,daemonsets,replicasets,pods,services,configmaps,events,leases,networkpolicies"
        secrets = [body["metadata"] for body in self.found(app, "secrets")]
        return self.kubectl(app, "get", kinds, "--output=json") + json.dumps(secrets)

    def restart(self, power_cut: bool = False) -> None:
        """Restart the platform."""
        if power_cut:
            self.cluster.kill()
        else:
            self.cluster.stop()
        self.cluster.start()
