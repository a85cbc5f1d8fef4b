# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Kubernetes cluster as the rollout suite sees it.

Each app has a namespace of its own, by its name.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from tests.testbed import kubernetes_images as images
from tests.testbed.client import Client
from tests.testbed.kubernetes_bed import KubernetesBed
from tests.testbed.proxy import Proxy
from tests.testbed.swarm_bed import PASSWORD, USER

APP, SERVICE = "shipping.code/app", "shipping.code/service"


@dataclass
class KubernetesPlatform:
    """What the suite needs of a platform besides the modules under test."""

    cluster: KubernetesBed
    name: str = "kubernetes"
    # What the requests are by which a run can be blocked, and the how manieth of each is meant; dry
    # runs come first.
    requests: ClassVar[dict[str, tuple[str, int]]] = {
        "record": (r"POST \S+/secrets", 1),
        "write": (r"PATCH \S+/deployments/\w+\?(?!\S*dryRun)", 1),
        "write back": (r"PATCH \S+/deployments/\w+\?(?!\S*dryRun)", 2),
        "watch": (r"GET \S+/pods\?\S*watch=true", 1),
        "verdict": (r'"shipping.code/state": "live"', 1),
    }
    # For how long a new task must hold before the old one goes: until the front has surely found
    # it, also on a busy machine.
    hold: ClassVar[str] = "2s"
    # What may be said below ``deploy`` without restarting a pod.
    harmless: ClassVar[dict[str, Any]] = {}

    @property
    def options(self) -> dict[str, Any]:
        """How the modules reach it."""
        return {
            "platform": "kubernetes",
            "kubeconfig": str(self.cluster.kubeconfig),
            "insecure_registries": list(self._registries),
        }

    @property
    def address(self) -> str:
        """The address of its machine."""
        return self.cluster.address

    @contextlib.contextmanager
    def enforcing(self) -> Iterator[None]:
        """NetworkPolicies are what they say."""
        self.cluster.start_enforcing()
        try:
            yield
        finally:
            self.cluster.stop_enforcing()

    @staticmethod
    def placement_options(app: str, module: str = "release") -> dict[str, Any]:
        """What the modules need to be told of where an app is."""
        return {"namespace": app, **({"create_namespace": True} if module == "release" else {})}

    def proxy(self, folder: Path) -> Proxy:
        """The platform's API through something that can block requests."""
        return Proxy(
            (self.cluster.address, 6443),
            tls=ssl.create_default_context(cafile=str(self.cluster.ca)),
        )

    def proxy_options(self, proxy: Proxy) -> dict[str, Any]:
        """How the modules reach it through a proxy."""
        return {
            "kubeconfig": None,
            "host": proxy.host.replace("tcp:", "http:"),
            "api_key": self.cluster.token(),
        }

    def object_name(self, app: str, name: str) -> str:
        """The name of an app's network or volume, with which its secrets' and configs' begin."""
        return f"{app}-{name}"

    @property
    def _registries(self) -> tuple[str, str]:
        return self.cluster.registry_address, self.cluster.private_registry_address

    @property
    def registry(self) -> str:
        """The open registry."""
        return self.cluster.registry_address

    def image(self, name: str, *, private: bool = False) -> str:
        """The reference of an image in the platform's registry."""
        return self.cluster.image(name, private=private)

    @property
    def credentials(self) -> dict[str, str]:
        """What lets one into the private registry."""
        return {
            "registry": self.cluster.private_registry_address,
            "username": USER,
            "password": PASSWORD,
        }

    def task(self, service: str) -> str:
        """The beginning of the name of a service's replica in a message."""
        return f"replica {service}-"

    def client(self, port: int) -> Client:
        """A user who asks a service on a port of its machine."""
        return Client(f"http://{self.cluster.address}:{port}/")

    def answers(self, address: str, port: int) -> bool:
        """Whether something answers on an address of its machine, as seen from there."""
        try:
            self.cluster.inside("curl", "--silent", "--max-time", "2", f"http://{address}:{port}/")
        except RuntimeError:
            return False
        return True

    def kubectl(self, app: str, *words: Any, **options: Any) -> str:
        """kubectl in the namespace of an app."""
        return self.cluster.kubectl("--namespace", app, *words, **options)

    def found(self, app: str, kinds: str, selector: str = "") -> list[dict[str, Any]]:
        """Objects of an app's namespace."""
        found: dict[str, Any] = json.loads(
            self.kubectl(
                app, "get", kinds, "--output=json", *(["--selector", selector] if selector else [])
            )
        )
        return list(found["items"])

    def services(self, app: str) -> dict[str, dict[str, Any]]:
        """The app's workloads by their names in the spec."""
        return {
            body["metadata"]["name"]: body for body in self.found(app, "deployments,daemonsets")
        }

    def running(self, app: str) -> dict[str, set[str]]:
        """The ids of the pods that run, by service."""
        result: dict[str, set[str]] = {name: set() for name in self.services(app)}
        for pod in self.found(app, "pods"):
            name = (
                pod["metadata"]["labels"].get(SERVICE) or pod["metadata"]["name"].rsplit("-", 2)[0]
            )
            if (
                pod["status"].get("phase") == "Running"
                and "deletionTimestamp" not in pod["metadata"]
            ):
                result.setdefault(name, set()).add(pod["metadata"]["uid"])
        return result

    def completed(self, app: str, name: str) -> set[str]:
        """The ids of the pods of a job that have completed."""
        return {
            pod["metadata"]["uid"]
            for pod in self.found(app, "pods")
            if pod["metadata"]["labels"].get(SERVICE) == name
            and pod["status"].get("phase") == "Succeeded"
        }

    def versions(self, app: str) -> dict[str, Any]:
        """For each service what changes with every write of it."""
        return {
            name: (body["metadata"]["generation"], body["metadata"]["annotations"])
            for name, body in self.services(app).items()
        }

    def records(self, app: str) -> list[dict[str, str]]:
        """What the history says of each release, the newest first.

        Number, version, state, reason.
        """
        found = self.found(app, "secrets", "shipping.code/kind=release")
        records = [
            {
                key.removeprefix("shipping.code/"): value
                for key, value in body["metadata"]["annotations"].items()
            }
            for body in found
        ]
        return sorted(
            ({**record, "number": record["release"]} for record in records),
            key=lambda record: -int(record["number"]),
        )

    def silent_registry(self) -> contextlib.AbstractContextManager[None]:
        """The open registry accepts connections and answers nothing."""
        return self.cluster.machine.paused("registry")

    def occupy(self, port: int) -> None:
        """Let something outside the platform listen on a port of its machine."""
        if self.cluster.machine.pid(f"port-{port}") is None:
            self.cluster.machine.start(
                f"port-{port}", f"python3 -m http.server {port}", isolated=False
            )

    def remove_service(self, app: str, name: str) -> None:
        """Remove a service by hand."""
        self.kubectl(app, "delete", "deployment", name)

    def change_by_hand(
        self,
        app: str,
        name: str,
        labels: dict[str, str] | None = None,
        environment: dict[str, str] | None = None,
        hostname: str = "",
    ) -> None:
        """Change a service by hand."""
        for words, changes in ((("label", "--overwrite"), labels), (("set", "env"), environment)):
            if changes:
                self.kubectl(
                    app,
                    *words,
                    f"deployment/{name}",
                    *(f"{key}={value}" for key, value in changes.items()),
                )
        if hostname:
            self.kubectl(
                app,
                "patch",
                f"deployment/{name}",
                "--patch",
                json.dumps({"spec": {"template": {"spec": {"hostname": hostname}}}}),
            )

    def drift_path(self, service: str, *keys: str) -> str:
        """How a key that was changed by hand is told: as the object's own."""
        where = (
            f"containers[{service}].env[{keys[1]}].value"
            if keys[0] == "environment"
            else ".".join(keys)
        )
        return f"Deployment.spec.template.spec.{where}"

    def make_service(self, app: str, name: str) -> None:
        """Make a service by hand, of the name that one of the app would have."""
        self.make_namespace(app)
        self.kubectl(
            app, "create", "deployment", name, "--replicas=0", f"--image={self.image('tool:1')}"
        )

    def remove_object(self, app: str, kind: str, *names: str) -> None:
        """Remove objects of a kind by hand."""
        plural = {"service": "deployments", "network": "networkpolicies"}.get(kind, f"{kind}s")
        self.kubectl(app, "delete", plural, *names)

    def secrets_of(self, app: str, name: str) -> set[str]:
        """The names of the secrets that a service is given."""
        volumes = self.services(app)[name]["spec"]["template"]["spec"]["volumes"]
        return {volume["secret"]["secretName"] for volume in volumes if "secret" in volume}

    def replicas_of(self, app: str, name: str) -> int:
        """How many pods a service shall have."""
        return int(self.services(app)[name]["spec"]["replicas"])

    def is_global(self, app: str, name: str) -> bool:
        """Whether a service shall run on every machine, and not elsewhere besides."""
        return [
            body["kind"]
            for body in self.found(app, "deployments,daemonsets")
            if body["metadata"]["name"] == name
        ] == ["DaemonSet"]

    def created(self, app: str) -> dict[str, str]:
        """When each service was made."""
        return {
            name: body["metadata"]["creationTimestamp"] for name, body in self.services(app).items()
        }

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
            if "deletionTimestamp" not in pod["metadata"]
            and pod["status"].get("phase") == "Running"
        ]
        return self.kubectl(app, "exec", pods[0], "--", *command)

    def objects(self, kind: str, app: str) -> set[str]:
        """The names of an app's objects of a kind, without what every namespace has.

        Secret, config, network, service, volume.
        """
        kinds = {
            "config": "configmaps",
            "network": "networkpolicies",
            "service": "deployments,daemonsets,replicasets,services",
            "volume": "persistentvolumeclaims",
        }
        return {
            body["metadata"]["name"] for body in self.found(app, kinds.get(kind, f"{kind}s"))
        } - {"kube-root-ca.crt"}

    def kill_replica(self, app: str, replica: str) -> None:
        """Kill a pod of an app of the collection itself, which has a namespace of its own."""
        place = ("--namespace", f"shipping-{app}")
        words = ("delete", "pod", replica, "--grace-period=0", "--force", "--wait=false")
        self.cluster.kubectl(*place, *words)

    def stop(self, app: str) -> None:
        """Take an app away, and wait no longer than its host ports are taken."""
        self.cluster.kubectl("delete", "namespace", app, "--ignore-not-found", "--wait=false")
        self.kubectl(
            app, "delete", "pods", "--all", "--ignore-not-found", "--grace-period=1", "--wait"
        )

    def stop_all(self) -> None:
        """Take away whatever runs."""
        self.cluster.kubectl(
            "delete",
            "deployments,daemonsets,statefulsets,jobs,cronjobs",
            "--all",
            "--all-namespaces",
            "--wait=false",
        )
        self.cluster.kubectl(
            "delete", "pods", "--all", "--all-namespaces", "--grace-period=1", "--wait"
        )

    def label_machine(self, *labels: str) -> None:
        """Give the machine labels that placements ask for."""
        self.cluster.kubectl("label", "node", self.cluster.node, "--overwrite", *labels)

    def make_manager(self) -> None:
        """Let the machine be of the control plane, and offer GPUs and runtimes."""
        self.label_machine("node-role.kubernetes.io/control-plane=")
        for name in ("one", "other.example.com"):
            runtime = {
                "apiVersion": "node.k8s.io/v1",
                "kind": "RuntimeClass",
                "metadata": {"name": name},
                "handler": "runc",
            }
            self.cluster.kubectl("apply", "--filename", "-", input=json.dumps(runtime))
        # https://kubernetes.io/docs/tasks/administer-cluster/extended-resource-node/
        offered = {"nvidia.com/gpu": "8"}
        # Kubelets copy the capacity to what is allocatable, some seconds later.
        status = json.dumps({"status": {"capacity": offered, "allocatable": offered}})
        node = ("node", self.cluster.node, "--subresource=status", "--type=merge")
        self.cluster.kubectl("patch", *node, "--patch", status)

    def has_path(self, path: str) -> bool:
        """Whether the machine has a file or directory."""
        with contextlib.suppress(RuntimeError):
            self.cluster.inside("test", "-e", path)
            return True
        return False

    def make_namespace(self, app: str) -> None:
        """Make the namespace of an app, unless it is there."""
        if not self.cluster.kubectl("get", "namespace", app, "--ignore-not-found", "--output=name"):
            self.cluster.kubectl("create", "namespace", app)

    def _make(
        self,
        app: str,
        kind: str,
        name: str,
        version: str = "v1",
        labels: dict[str, str] | None = None,
        **content: Any,
    ) -> None:
        """Make an object by hand."""
        self.make_namespace(app)
        body = {
            "apiVersion": version,
            "kind": kind,
            "metadata": {"name": name, "labels": labels or {}},
            **content,
        }
        self.kubectl(app, "apply", "--filename=-", input=json.dumps(body))

    def make_network(self, name: str, app: str) -> None:
        """Make what an app can call an external network: a policy that lets its members in."""
        members = {"podSelector": {"matchLabels": {f"network.shipping.code/{name}": "true"}}}
        self._make(
            app,
            "NetworkPolicy",
            name,
            "networking.k8s.io/v1",
            spec={**members, "policyTypes": ["Ingress"], "ingress": [{"from": [members]}]},
        )

    def make_volume(self, name: str, app: str) -> None:
        """Make a volume that an app can call external."""
        self._make(
            app,
            "PersistentVolumeClaim",
            name,
            spec={"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        )

    def make_config(self, name: str, app: str, content: str) -> None:
        """Make a config that an app can call external."""
        self._make(app, "ConfigMap", name, data={"content": content})

    def make_secret(self, name: str, app: str, content: str) -> None:
        """Make a secret that an app can call external."""
        self._make(app, "Secret", name, stringData={"content": content})

    def driven_volume(self, app: str) -> dict[str, Any]:
        """What a volume of another storage class is described by."""
        name, modes = f"{app}-class", ["ReadWriteMany"]
        self._make(
            app,
            "StorageClass",
            name,
            "storage.k8s.io/v1",
            provisioner="kubernetes.io/no-provisioner",
            volumeBindingMode="WaitForFirstConsumer",
        )
        spec = {
            "capacity": {"storage": "1Gi"},
            "accessModes": modes,
            "storageClassName": name,
            "hostPath": {"path": "/tmp"},
        }
        self._make(app, "PersistentVolume", name, spec=spec)
        return {"driver": name, "driver_opts": {"size": "512m", "access_mode": modes[0]}}

    def publish(self, reference: str, dockerfile: str, *, push: bool = True) -> None:
        """Build an image and push it."""
        images.publish(self.cluster, reference, dockerfile)

    def drop_image(self, reference: str) -> None:
        """Let the machine lose an image."""
        self.cluster.drop_image(reference)

    def forget_image(self, name: str, digest: str) -> None:
        """Lose an image: from the registry and from the machine."""
        shutil.rmtree(
            self.cluster.machine.folder
            / "registry"
            / "data"
            / "docker"
            / "registry"
            / "v2"
            / "repositories"
            / name
        )
        self.drop_image(f"{self.registry}/{name}@{digest}")

    def everything(self, app: str) -> str:
        """All that the platform tells of its objects to whom may read them.

        What is inside Secrets is left out.
        """
        kinds = (
            "deployments,daemonsets,replicasets,pods,services,configmaps,events,leases,"
            "networkpolicies"
        )
        secrets = [body["metadata"] for body in self.found(app, "secrets")]
        return self.kubectl(app, "get", kinds, "--output=json") + json.dumps(secrets)

    def restart(self, *, power_cut: bool = False) -> None:
        """Restart the platform."""
        if power_cut:
            self.cluster.kill()
        else:
            self.cluster.stop()
        self.cluster.start()
